#pragma once
#include <optional>
#include <string_view>

#include "base/clock.h"

namespace refsyncd {

/// How long a server asks to wait: the value of a Retry-After header (RFC 9110, section 10.2.3), seconds or
/// an HTTP date. At most a day, zero for a date that is past; nothing for anything else.
std::optional<milliseconds> retry_after(std::string_view value, WallTime now);

}  // namespace refsyncd
