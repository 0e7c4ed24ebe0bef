#pragma once
#include <git2.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <optional>
#include <unordered_set>

#include "base/handle.h"
#include "model/object_id.h"

namespace refsyncd {

using OwnedRepository = Owned<git_repository, git_repository_free>;
using OwnedDatabase = Owned<git_odb, git_odb_free>;
using OwnedCommit = Owned<git_commit, git_commit_free>;
using OwnedTree = Owned<git_tree, git_tree_free>;
using OwnedTag = Owned<git_tag, git_tag_free>;

git_oid to_oid(const ObjectId& id);
ObjectId from_oid(const git_oid& oid);

/// For sets of object ids, which are evenly spread as they are.
struct ObjectIdHash {
  size_t operator()(const ObjectId& id) const {
    size_t hash = 0;
    std::memcpy(&hash, id.bytes.data(), sizeof hash);
    return hash;
  }
};
using ObjectIdSet = std::unordered_set<ObjectId, ObjectIdHash>;

/// The objects of a repository and of its alternates, through libgit2. Neither its configuration nor its refs
/// are read, which is most of what opening a whole repository costs. One thread.
class Objects {
 public:
  /// Throws Error(internal).
  explicit Objects(const std::filesystem::path& repository);

  /// Knows no refs.
  git_repository* repository() const { return repository_.get(); }
  git_odb* database() const { return database_.get(); }

  /// The object's type, or nothing when it is not there. Throws Error(internal) when it cannot be read.
  std::optional<git_object_t> type_of(const ObjectId& id) const;
  /// Nothing when it is not there, no commit, or damaged.
  OwnedCommit commit(const ObjectId& id) const;
  OwnedTree tree(const ObjectId& id) const;
  OwnedTag tag(const ObjectId& id) const;

 private:
  OwnedDatabase database_;
  OwnedRepository repository_;
};

}  // namespace refsyncd
