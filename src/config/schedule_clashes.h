#pragma once
#include <span>

#include "config/repos.h"

namespace refsyncd {

/// Reports policies that do the same work, and pushes from different repositories that would overwrite each
/// other's refs at one upstream. `places[i]` is where policies[i] stands.
void report_clashes(Problems& problems, std::span<const Policy> policies, std::span<const Place> places,
                    const RepoTable& repos);

}  // namespace refsyncd
