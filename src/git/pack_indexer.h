#pragma once
#include <filesystem>
#include <optional>
#include <string_view>

#include "git/repository.h"

namespace refsyncd {

/// Puts a pack and its index into the scratch repository through libgit2, thin packs completed from what that
/// sees; every object gets the name its content has. Not durable. Returns the path of the index, beside which
/// the pack stands; nothing when libgit2 does not take the pack, of which nothing is left then.
std::optional<std::filesystem::path> index_pack(const ScratchRepository& scratch, std::string_view pack);

}  // namespace refsyncd
