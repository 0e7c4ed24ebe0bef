#pragma once
#include <vector>

#include "config/repos.h"
#include "config/rules.h"

namespace refsyncd {

/// Reads the list of policies and checks them against the repositories and each other.
std::vector<Policy> read_policies(Reading& reading, const Field& field, const Rules& defaults,
                                  const RepoTable& repos, ServiceKind kind);

}  // namespace refsyncd
