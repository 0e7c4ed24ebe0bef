#pragma once
#include <optional>
#include <string>

#include "base/error.h"

namespace refsyncd {

/// What an answer that is no success means: 401 and 403 auth, 404 not_found, 429 and 503 with Retry-After
/// throttled, 408 and other 5xx transient, every other status bad_config. The message says what the service
/// said (the contract's error envelope: code, message, trace_id; only the status for anything else, such as a
/// proxy's page), and for what a person must mend what to do; one printable line of bounded length.
Failure classify_answer(int status, const std::string& body,
                        std::optional<std::chrono::milliseconds> retry_after);

/// True when the service may have done what was asked although it answered so: 408 and 5xx, but not a 503
/// that asks for patience.
bool may_have_acted(int status, const Failure& failure);

}  // namespace refsyncd
