#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace refsyncd {

/// A new UUID version 7 (RFC 9562, section 5.7): 36 characters, lower case, sorting by `now` and then by the
/// order of the calls in this process. Safe from any thread.
std::string new_uuid(WallTime now);

/// The time in a UUID version 7 that the text begins with; nothing when it begins with none.
std::optional<WallTime> time_of_uuid(std::string_view text);

}  // namespace refsyncd
