#include "api/forge_webhook.h"

#include <fmt/format.h>

#include "api/refusal.h"

namespace refsyncd {

HttpResponse serve_forge_webhook(Control& control, Forge forge, const HttpRequest& request) {
  const auto reply = control.notice(forge, request);
  switch (reply.verdict) {
    case NoticeReply::Verdict::taken:
      return {.status = reply.policies > 0 ? 202 : 200,
              .body = fmt::format("{{\"policies\":{}}}\n", reply.policies)};
    case NoticeReply::Verdict::not_genuine:
      return refusal(401, "unauthorized", "the signature or token does not fit the secret");
    case NoticeReply::Verdict::malformed:
      return refusal(400, "bad_request", "the body is not what this forge sends");
    case NoticeReply::Verdict::not_wanted: break;
  }
  return refusal(404, "not_found", "no webhooks of this forge are taken here");
}

}  // namespace refsyncd
