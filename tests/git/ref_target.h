#pragma once
#include <utility>
#include <vector>

#include "git/real_git.h"

namespace refsyncd {

/// A bare repository whose refs are updated, with two commits for them to name and no ref yet.
class RefTarget : public RealGit {
 protected:
  static constexpr ObjectId absent{};

  std::vector<RefLeftAlone> update_telling(const std::vector<RefUpdate>& updates) const {
    return Repository::open(git, path, false).update_refs(updates, {});
  }
  /// The names of the refs that were left alone, in the order of the updates.
  std::vector<std::string> update(const std::vector<RefUpdate>& updates) const {
    std::vector<std::string> names;
    for (auto& left : update_telling(updates)) names.push_back(std::move(left.name));
    return names;
  }
  /// For those who meet others at the locks: git gives up after a tenth of a second otherwise.
  void wait_long_for_locks() const {
    plain_git(path, {"config", "core.filesRefLockTimeout", "5000"});
    plain_git(path, {"config", "core.packedRefsTimeout", "10000"});
  }
  ObjectId value(const std::string& name) const { return ObjectReader(path).value_of(name).value_or(absent); }

  std::filesystem::path path = make_bare("target.git");
  ObjectId first = commit(path, "first");
  ObjectId second = commit(path, "second", {first});
};

}  // namespace refsyncd
