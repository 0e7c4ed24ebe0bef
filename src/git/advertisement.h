#pragma once
#include <string_view>

#include "git/remote.h"

namespace refsyncd {

/// Reads what `git ls-remote --symref` prints. Keeps branches and tags, each once, and HEAD's target; leaves
/// out names that Git does not allow (and with them the peeled entries of tags), for no repository could hold
/// them. Throws Error(bad_config) for a SHA-256 repository and for more than `max_refs` refs, Error(internal)
/// for lines it does not understand.
Advertisement parse_ls_remote(std::string_view output, size_t max_refs);

/// Reads a FETCH_HEAD file: the branches and tags that `git fetch` got, sorted by name. Throws
/// Error(internal).
std::vector<RefValue> parse_fetch_head(std::string_view text);

}  // namespace refsyncd
