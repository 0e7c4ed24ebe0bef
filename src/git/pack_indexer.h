#pragma once
#include <filesystem>
#include <string_view>

namespace refsyncd {

/// Puts a pack and its index into the repository through libgit2, thin packs completed from what the
/// repository sees; every object gets the name its content has. Not durable. False when libgit2 does not take
/// it; then nothing is left.
bool index_pack(const std::filesystem::path& repository, std::string_view pack);

}  // namespace refsyncd
