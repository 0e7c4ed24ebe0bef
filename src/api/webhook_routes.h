#pragma once
#include <vector>

#include "api/api_route.h"
#include "api/webhook_control.h"

namespace refsyncd {

/// The contract's calls on webhook targets, all of scope admin. The control outlives them.
std::vector<ApiRoute> webhook_routes(WebhookControl& control);

}  // namespace refsyncd
