#pragma once
#include <filesystem>

#include "git/locked_refs.h"

namespace refsyncd {

/// Writes refs into packed-refs, all by one replacement of that file, by compare-and-swap under git's own
/// locks, durably: cut short at any moment, each ref has its old value or all have their new ones.
/// Leaves alone, in rest, what git says no to and every ref that has a file of its own: such a file would
/// have to be removed, and a `git pack-refs --auto` that has read it already (before it waits for the lock,
/// since Git 2.47) would then write its old value over our new one; as it still would where somebody else
/// packs or removes that file between its look and ours. Only for a repository with plain refs. Throws
/// LockHeld when somebody holds packed-refs for a second, and Error(internal) when it cannot be written;
/// nothing has moved then, or what has is not durable.
WrittenRefs write_packed_refs(const std::filesystem::path& repository, const ObjectReader& reader,
                              const RefUpdates& updates);

}  // namespace refsyncd
