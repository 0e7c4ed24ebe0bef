#include "local/patience.h"

#include "http/client.h"

namespace refsyncd {

std::optional<milliseconds> asked_patience(const Upstream& upstream) {
  if (upstream.transport != Transport::http && upstream.transport != Transport::https) return std::nullopt;
  HttpCall call;
  call.url = upstream.url + "/info/refs?service=git-upload-pack";
  call.timeout = std::chrono::seconds(5);
  call.reply_limit = 1 << 20;
  try {
    const auto reply = http_call(call);
    return reply.status == 429 || reply.status == 503 ? reply.retry_after : std::nullopt;
  } catch (const Error&) {
    return std::nullopt;  // the wait is then ours to choose
  }
}

}  // namespace refsyncd
