#pragma once
#include <string_view>

#include "http/server.h"

namespace refsyncd {

/// {"error": {"code", "message"}}: why a request was not served, on every path but those of /v1, whose
/// envelope says more. What is not printable in the message is escaped.
HttpResponse refusal(int status, std::string_view code, std::string_view message);

}  // namespace refsyncd
