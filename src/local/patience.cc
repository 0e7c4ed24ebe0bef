#include "local/patience.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "http/client.h"

namespace refsyncd {
namespace {

/// Git goes through the proxy that the environment names, and we do not speak to proxies.
bool has_proxy(Transport transport) {
  std::vector<const char*> names{"all_proxy", "ALL_PROXY", "http_proxy"};
  if (transport == Transport::https) names = {"all_proxy", "ALL_PROXY", "https_proxy", "HTTPS_PROXY"};
  return std::any_of(names.begin(), names.end(), [](const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0';
  });
}

}  // namespace

std::optional<milliseconds> asked_patience(const Upstream& upstream) {
  if (!over_http(upstream.transport)) return std::nullopt;
  if (upstream.public_only || has_proxy(upstream.transport)) return std::nullopt;
  HttpCall call;
  call.url = upstream.url + "/info/refs?service=git-upload-pack";
  call.ca_file = upstream.ca_file;
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
