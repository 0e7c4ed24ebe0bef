#pragma once
#include <span>
#include <string_view>
#include <vector>

#include "git/remote.h"

namespace refsyncd {

/// What `git push --porcelain` printed, ref by ref, in the order it was printed. Lines that tell of no ref
/// are passed over.
std::vector<PushResult> parse_push_report(std::string_view output);

}  // namespace refsyncd
