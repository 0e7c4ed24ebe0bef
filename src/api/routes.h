#pragma once
#include "api/control.h"
#include "http/server.h"

namespace refsyncd {

/// What anybody who reaches the TCP port may see: /metrics, /healthz, /readyz, a page that lists them, and
/// POST /webhooks/mesa (see api/mesa_webhook.h) and /webhooks/<forge> (see api/forge_webhook.h). Nothing else
/// here changes anything. Never throws.
HttpResponse serve_public(Control& control, const HttpRequest& request);

/// What the user of the Unix socket may do: everything above, and under /control/v1
///   GET  agent, status
///   GET  syncs ?repo&before&limit&refs   POST syncs {"repo","direction","ref_globs"?}   GET syncs/<id>
///   POST policies/<name>/trigger         POST reload
/// Errors are {"error":{"code","message"}}, the code being the name of the ErrorKind or bad_request or
/// method_not_allowed. Never throws.
HttpResponse serve_control(Control& control, const HttpRequest& request);

}  // namespace refsyncd
