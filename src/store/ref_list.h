#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "model/sync.h"

namespace refsyncd {

/// The compact binary form in which ref results are stored. Most syncs find nothing new, so what is stored
/// once is the result one expects of the *next* sync (the base), and each sync keeps only how it differs from
/// it (its delta).
///
/// Names are raw bytes and their order is kept. The form is pinned by tests: files hold it.

/// The whole list: about 22 bytes a ref, plus what its name does not share with the one before.
std::string encode_refs(const RefResults& refs);
/// The inverse. Throws Error(internal) for anything encode_refs() does not write.
RefResults decode_refs(std::string_view bytes);

/// What the next sync will find if nothing moves: updated refs are unchanged at their new value, pruned ones
/// gone.
RefResults expected_next(const RefResults& refs);

/// How a list differs from its base.
struct RefDelta {
  std::string bytes;   ///< "" when they are equal
  size_t entries = 0;  ///< refs it spells out; runs of created or removed refs count once
};
/// Nothing when a list is not sorted by name or names a ref twice: such lists cannot be told by their
/// difference.
std::optional<RefDelta> diff_refs(const RefResults& base, const RefResults& refs);
/// The list again. Throws Error(internal) when the delta does not fit the base.
RefResults apply_delta(const RefResults& base, std::string_view delta);

}  // namespace refsyncd
