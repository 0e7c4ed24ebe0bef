#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "git/remote.h"

namespace refsyncd {

/// Why nothing more may be written where the folder lies, or nothing: a disk filled up by one repository
/// would stop every other one, and the store.
std::optional<std::string> room_problem(const std::filesystem::path& folder, const Operation& operation);

/// Throws Error(transient) with the problem, if any.
void check_room(const std::filesystem::path& folder, const Operation& operation);

}  // namespace refsyncd
