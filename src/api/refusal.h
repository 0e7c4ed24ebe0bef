#pragma once
#include <string_view>

#include "base/error.h"
#include "http/server.h"

namespace refsyncd {

/// {"error": {"code", "message"}}: why a request was not served, on every path but those of /v1, whose
/// envelope says more. What is not printable in the message is escaped.
HttpResponse refusal(int status, std::string_view code, std::string_view message);

/// Gives a 503 the header Retry-After: as long as the failure asks for, and a second at least.
void set_retry_after(HttpResponse& response, const Failure& failure);

}  // namespace refsyncd
