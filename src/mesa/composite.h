#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/sync.h"

namespace refsyncd {

/// One request may be carried out by several syncs of the hosted service, its parts. Together they are shown
/// as one sync, whose id is the ids of the parts joined by '+', which no id of a service holds.
std::string join_ids(std::span<const std::string> ids);
std::vector<std::string> split_id(std::string_view id);

/// The parts as one sync; of one part, that part. There must be at least one.
///  - Globs: those of all parts. Times: the first beginning, the last end. Attempt: the highest.
///  - Status: queued while all are, failed or completed once all have ended, else in progress.
///  - Refs: those of all parts, by name; of a ref that several parts handled, what changed most.
///  - Failure: of the part that failed for a reason a person must mend, else of the first that failed; it
///  says
///    which part it was, and how many more failed.
Sync merge_parts(std::span<const Sync> parts);

}  // namespace refsyncd
