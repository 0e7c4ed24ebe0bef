#pragma once
#include <nlohmann/json.hpp>

#include "api/hosting.h"

namespace refsyncd {

/// The bodies of the calls about repositories and syncs. Each throws ApiError(400) that names the field.
NewRepo new_repo_from(const nlohmann::json& body);
RepoChange repo_change_from(const nlohmann::json& body);
/// Without the repository. The globs of each kind may have so many bytes.
SyncRequest sync_request_from(const nlohmann::json& body, size_t longest_globs = 2000);

}  // namespace refsyncd
