#pragma once
#include <string>
#include <string_view>

#include "model/sync.h"

namespace refsyncd {

/// A measured time for people, two or three figures: "7ms", "1.3s", "2m5s".
std::string rough_duration(milliseconds duration);

/// "2 updated, 18 unchanged": the outcomes that occurred; "no refs" when none did.
std::string describe(const RefCounts& counts);

/// What became of one ref: "refs/heads/main updated 1a2b3c4d5e..6f7a8b9c0d (fast_forward)", "... created at
/// ...",
/// "... rejected (raced): the ref moved while the sync ran".
std::string describe(const RefResult& ref);

/// What a person can do about failures of this kind; "" when waiting may cure it.
std::string_view remedy(ErrorKind kind);

}  // namespace refsyncd
