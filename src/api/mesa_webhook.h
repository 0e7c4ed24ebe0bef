#pragma once
#include "api/control.h"
#include "http/server.h"

namespace refsyncd {

/// Where the hosted service tells what became of syncs: POST /webhooks/mesa. 204 when it was taken, 401 when
/// the signature is not good, 400 when the body is not an event, 404 when no webhooks are taken here.
HttpResponse serve_mesa_webhook(Control& control, const HttpRequest& request);

}  // namespace refsyncd
