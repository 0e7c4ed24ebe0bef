#pragma once
#include <span>

#include "git/pack_ingest.h"

namespace refsyncd {

/// Proves that everything reachable from `tips` is there, in the scratch repository or in its target: never
/// weaker than `git rev-list --objects --stdin --not --all` in the target, and for small packs without a
/// process. `held` are the values of the target's refs, whose objects count as complete, as in Git.
/// `ingested` tells of the pack that the scratch took in; a default one when there was none. Throws
/// Error(transient), naming the missing object and what names it: an upstream that repacks meanwhile may send
/// such a pack; Error(untrusted) for an object that is of another type than what names it says.
void check_connected(const GitProgram& git, const ScratchRepository& scratch, const IngestResult& ingested,
                     std::span<const ObjectId> tips, std::span<const RefValue> held,
                     const Operation& operation);

}  // namespace refsyncd
