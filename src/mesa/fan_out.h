#pragma once
#include <vector>

#include "model/ref_globs.h"

namespace refsyncd {

/// The contract's request carries one glob of each kind: the fewest requests that together cover the globs.
/// Each result has at most one branch glob and one tag glob; the n-th branch glob goes with the n-th tag
/// glob. Globs that another one covers are left out. Globs that match nothing give one request that matches
/// nothing.
std::vector<RefGlobs> fan_out(const RefGlobs& globs);

}  // namespace refsyncd
