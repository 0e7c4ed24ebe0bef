#pragma once
#include <string>

#include "model/policy.h"

namespace refsyncd {

/// When a policy is due, in one line: "every 5m", "cron */15 8-18 * * mon-fri Europe/Zurich".
std::string describe_schedule(const Policy& policy);

}  // namespace refsyncd
