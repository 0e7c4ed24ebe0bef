#pragma once
#include <string_view>

#include "git/repository.h"

namespace refsyncd {

/// Puts a pack and its index into the scratch repository through libgit2, thin packs completed from what that
/// sees; every object gets the name its content has. Not durable. False when libgit2 does not take
/// it; then nothing is left.
bool index_pack(const ScratchRepository& scratch, std::string_view pack);

}  // namespace refsyncd
