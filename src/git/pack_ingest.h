#pragma once
#include <cstddef>

#include "base/handle.h"
#include "git/program.h"
#include "git/repository.h"
#include "model/policy.h"

namespace refsyncd {

/// What a pack turned out to hold.
struct IngestResult {
  size_t objects = 0;  ///< as sent; bases that were added to a thin pack may count too
  /// Whatever an object of the pack names is in the pack too. Then what is reachable from an object of the
  /// pack needs no further check. False also when nobody looked: git is asked for an empty target alone, and
  /// with Verify::connectivity small packs are not looked into.
  bool self_contained = false;
};

/// Takes a pack, thin or not, into the scratch repository: reads it from the descriptor (a pipe's or socket's
/// read end) until its end, and blocks meanwhile. Every object is checked against its name, and with
/// Verify::fsck for the faults that `git fetch` refuses under our configuration. Small packs cost no process,
/// with Verify::fsck as long as all their objects are plain (see git/plain_pack); any other goes to git, as
/// it came. Whether the objects are complete is for check_connected() to say. Whoever writes the pack closes
/// its end also when the transport fails; the pack then ended early, and the writer knows the better reason.
/// A writer must reckon with EPIPE: a pack that is refused is not read to its end. Throws Error(transient)
/// for a pack that ended early or is corrupt, for the deadline, a stop, and a file system without room (see
/// git/room), Error(untrusted) for objects that fsck refuses, Error(bad_config) for a pack that is larger
/// than the operation allows once its bases are added.
IngestResult ingest_pack(const GitProgram& git, const ScratchRepository& scratch, FileDescriptor pack,
                         Verify verify, bool target_is_empty, const Operation& operation);

}  // namespace refsyncd
