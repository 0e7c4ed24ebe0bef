#include "git/pack_indexer.h"

#include <fmt/format.h>
#include <git2.h>

#include "git/objects.h"

namespace refsyncd {

std::optional<std::filesystem::path> index_pack(const ScratchRepository& scratch, std::string_view pack) {
  const auto folder = scratch.path() / "objects/pack";
  git_indexer* created = nullptr;
  if (git_indexer_new(&created, folder.c_str(), 0, scratch.reader().objects().database(), nullptr) != 0)
    return std::nullopt;
  const Owned<git_indexer, git_indexer_free> indexer(created);
  git_indexer_progress progress{};
  if (git_indexer_append(created, pack.data(), pack.size(), &progress) != 0 ||
      git_indexer_commit(created, &progress) != 0) {
    return std::nullopt;
  }
  return folder / fmt::format("pack-{}.idx", git_indexer_name(created));
}

}  // namespace refsyncd
