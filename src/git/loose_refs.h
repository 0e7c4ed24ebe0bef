#pragma once
#include <filesystem>

#include "git/locked_refs.h"

namespace refsyncd {

/// Writes refs (moves and creations, no deletions) as git does, each into a file of its own, by
/// compare-and-swap under git's own lock, durably. Takes on only the plain case: nobody holds the lock,
/// nothing stands in the way, the ref is not symbolic, and git would allow it. Only for a repository with
/// plain refs. Throws Error(internal) when what was written cannot be made durable.
WrittenRefs write_loose_refs(const std::filesystem::path& repository, const ObjectReader& reader,
                             const RefUpdates& updates);

}  // namespace refsyncd
