#pragma once
#include <span>
#include <vector>

#include "git/objects.h"
#include "git/remote.h"

namespace refsyncd {

/// True when each of the commits is seen to be reachable from one of the refs' values, within so many commits
/// read, newest first. False says nothing: the limit was met, or clocks were wrong when the commits were
/// made. Broken refs and holes in the history are passed over.
bool seen_to_be_reachable(const Objects& objects, const std::vector<ObjectId>& commits,
                          std::span<const RefValue> refs, size_t limit);

}  // namespace refsyncd
