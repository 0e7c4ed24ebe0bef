#pragma once
#include <vector>

#include "api/api_route.h"
#include "api/hosting.h"

namespace refsyncd {

/// whoami, repositories and their syncs, in the contract's shapes:
///   GET  /v1/whoami
///   GET, POST          /v1/{org}/repos
///   GET, PATCH, DELETE /v1/{org}/{repo}
///   GET, POST          /v1/{org}/{repo}/upstream/syncs
///   GET                /v1/{org}/{repo}/upstream/syncs/{syncId}
/// `hosting` outlives them.
std::vector<ApiRoute> hosting_routes(Hosting& hosting);

}  // namespace refsyncd
