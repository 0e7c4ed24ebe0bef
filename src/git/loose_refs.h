#pragma once
#include <filesystem>
#include <vector>

#include "git/packed_refs.h"
#include "git/repository.h"

namespace refsyncd {

/// Moves and creations (no deletions), sorted by what became of them. A ref that had another value than the
/// update expected is in neither.
struct LooseUpdates {
  std::vector<const RefUpdate*> made;
  std::vector<const RefUpdate*> rest;  ///< untouched: for git to do, or to say what stands in the way
};

/// Writes refs as git does, each into a file of its own, by compare-and-swap under git's own lock, durably.
/// Takes on only the plain case: nobody holds the lock, nothing stands in the way, the ref is not symbolic,
/// its new value is there (a commit, for a branch), and the repository keeps no reflogs and no permissions of
/// its own. Throws Error(internal) when what was written cannot be made durable.
LooseUpdates write_loose_refs(const std::filesystem::path& repository, const ObjectReader& reader,
                              const std::vector<const RefUpdate*>& updates);

/// True when a ref of that name exists or could not exist, for the packed refs and those in files.
bool is_in_the_way(const std::filesystem::path& repository, const PackedRefs& packed,
                   const std::string& name);

}  // namespace refsyncd
