#include "api/mesa_webhook.h"

#include "api/refusal.h"
#include "contract/signature.h"

namespace refsyncd {

HttpResponse serve_mesa_webhook(Control& control, const HttpRequest& request) {
  const auto signature = request.headers.find(signature_header);
  switch (control.webhook(signature == request.headers.end() ? "" : signature->second, request.body)) {
    case WebhookReply::taken: return {.status = 204, .body = ""};
    case WebhookReply::not_genuine:
      return refusal(401, "unauthorized", "the signature does not fit, or its time is not now");
    case WebhookReply::not_an_event: return refusal(400, "bad_request", "the body is not an event");
    case WebhookReply::not_wanted: return refusal(404, "not_found", "no webhooks are taken here");
  }
  return refusal(404, "not_found", "no webhooks are taken here");
}

}  // namespace refsyncd
