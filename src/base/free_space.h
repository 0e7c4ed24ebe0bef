#pragma once
#include <cstdint>
#include <filesystem>

namespace refsyncd {

/// The room on a file system, in bytes.
struct Space {
  uint64_t free = 0;  ///< what we may still use
  uint64_t total = 0;
};

/// The room where the path lies. Throws Error(transient) when that cannot be told.
Space space_at(const std::filesystem::path& path);

/// What is to stay free, whatever comes: 5 % of the file system, at most 1 GiB.
uint64_t free_floor(const Space& space);

}  // namespace refsyncd
