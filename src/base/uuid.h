#pragma once
#include <string>

#include "base/clock.h"

namespace refsyncd {

/// A new UUID version 7 (RFC 9562, section 5.7): 36 characters, lower case, sorting by `now` and then by the
/// order of the calls in this process. Safe from any thread.
std::string new_uuid(WallTime now);

}  // namespace refsyncd
