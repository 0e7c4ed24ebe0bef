#pragma once
#include "api/control.h"
#include "http/server.h"

namespace refsyncd {

/// Where Git forges tell of pushes: POST /webhooks/<forge>. 202 when policies became due, 200 when it was
/// about nothing of ours, 401 when it is not from who has the secret, 400 when it cannot be understood, 404
/// when this forge has no secret here. What was taken is answered with {"policies": <how many became due>}.
HttpResponse serve_forge_webhook(Control& control, Forge forge, const HttpRequest& request);

}  // namespace refsyncd
