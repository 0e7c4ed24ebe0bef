#pragma once
#include <vector>

#include "config/config.h"

namespace refsyncd {

/// The settings a running agent cannot change, where the configuration it has just read differs from what it
/// was started with: data_dir, org, and which service syncs. A file that changes one of them is refused as a
/// whole, since repositories and history would belong to something else from then on.
std::vector<ConfigProblem> changed_fixed_settings(const ServiceConfig& running, const Config& read);

}  // namespace refsyncd
