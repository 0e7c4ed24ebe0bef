#pragma once
#include <filesystem>

namespace refsyncd {

/// Checks that a bare repository can be trusted and used before anything in it is read: git itself skips its
/// ownership check when it is told the repository's path. Throws as Repository::open does.
void audit_repository(const std::filesystem::path& repository);

}  // namespace refsyncd
