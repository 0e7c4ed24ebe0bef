#pragma once
#include <cstddef>
#include <filesystem>
#include <optional>

#include "base/clock.h"

namespace refsyncd {

/// What a bare repository looks like to whoever has to decide whether it needs maintenance.
struct Condition {
  size_t packs = 0;
  size_t new_packs = 0;  ///< made since the last maintenance
  size_t loose_refs = 0;
  size_t loose_objects = 0;            ///< an estimate, as git gc makes it: from one of 256 folders
  size_t leftovers = 0;                ///< scratch repositories and temporary packs, whoever uses them
  bool changed = false;                ///< packs or refs have come or gone since the last maintenance
  std::optional<WallTime> maintained;  ///< when the last maintenance ended; nothing: never
};

/// Looks at names and times alone: cheap, changes nothing, and never throws. What cannot be read counts as
/// not there.
Condition examine(const std::filesystem::path& repository);

/// Remembers in the repository that a maintenance has just ended. Throws Error(internal).
void mark_maintained(const std::filesystem::path& repository);

}  // namespace refsyncd
