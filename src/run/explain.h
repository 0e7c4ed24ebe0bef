#pragma once
#include <string>

#include "run/runner.h"

namespace refsyncd {

/// One sentence for a person: why the policy is not running; "" while its sync is in progress. `waiting_for`
/// is the service's word on a queued sync ("another sync of app"), or "" when the sync is in progress.
std::string explain(const Runner::View& view, WallTime now, const std::string& waiting_for);

}  // namespace refsyncd
