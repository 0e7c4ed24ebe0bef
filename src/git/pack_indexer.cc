#include "git/pack_indexer.h"

#include <git2.h>

#include "git/objects.h"

namespace refsyncd {

bool index_pack(const ScratchRepository& scratch, std::string_view pack) {
  git_indexer* created = nullptr;
  if (git_indexer_new(&created, (scratch.path() / "objects/pack").c_str(), 0,
                      scratch.reader().objects().database(), nullptr) != 0)
    return false;
  const Owned<git_indexer, git_indexer_free> indexer(created);
  git_indexer_progress progress{};
  return git_indexer_append(created, pack.data(), pack.size(), &progress) == 0 &&
         git_indexer_commit(created, &progress) == 0;
}

}  // namespace refsyncd
