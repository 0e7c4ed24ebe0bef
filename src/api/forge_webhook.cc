#include "api/forge_webhook.h"

#include <fmt/format.h>

#include <string_view>

namespace refsyncd {
namespace {

HttpResponse refused(int status, std::string_view code, std::string_view message) {
  return {.status = status,
          .body = fmt::format(R"({{"error":{{"code":"{}","message":"{}"}}}})"
                              "\n",
                              code, message)};
}

}  // namespace

HttpResponse serve_forge_webhook(Control& control, Forge forge, const HttpRequest& request) {
  const auto reply = control.notice(forge, request);
  switch (reply.verdict) {
    case NoticeReply::Verdict::taken:
      return {.status = reply.policies > 0 ? 202 : 200,
              .body = fmt::format("{{\"policies\":{}}}\n", reply.policies)};
    case NoticeReply::Verdict::not_genuine:
      return refused(401, "unauthorized", "the signature or token does not fit the secret");
    case NoticeReply::Verdict::malformed:
      return refused(400, "bad_request", "the body is not what this forge sends");
    case NoticeReply::Verdict::not_wanted: break;
  }
  return refused(404, "not_found", "no webhooks of this forge are taken here");
}

}  // namespace refsyncd
