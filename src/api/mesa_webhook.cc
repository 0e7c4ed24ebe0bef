#include "api/mesa_webhook.h"

#include <fmt/format.h>

#include <string>

#include "contract/signature.h"

namespace refsyncd {
namespace {

HttpResponse refused(int status, std::string_view code, std::string_view message) {
  return {.status = status,
          .body = fmt::format(R"({{"error":{{"code":"{}","message":"{}"}}}})"
                              "\n",
                              code, message)};
}

}  // namespace

HttpResponse serve_mesa_webhook(Control& control, const HttpRequest& request) {
  const auto signature = request.headers.find(signature_header);
  switch (control.webhook(signature == request.headers.end() ? "" : signature->second, request.body)) {
    case WebhookReply::taken: return {.status = 204, .body = ""};
    case WebhookReply::not_genuine:
      return refused(401, "unauthorized", "the signature does not fit, or its time is not now");
    case WebhookReply::not_an_event: return refused(400, "bad_request", "the body is not an event");
    case WebhookReply::not_wanted: return refused(404, "not_found", "no webhooks are taken here");
  }
  return refused(404, "not_found", "no webhooks are taken here");
}

}  // namespace refsyncd
