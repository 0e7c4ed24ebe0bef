#include "git/objects.h"

#include <fmt/format.h>

#include "git/libgit2.h"

namespace refsyncd {

git_oid to_oid(const ObjectId& id) {
  git_oid oid;
  git_oid_fromraw(&oid, id.bytes.data());
  return oid;
}

ObjectId from_oid(const git_oid& oid) {
  ObjectId id;
  std::copy_n(oid.id, id.bytes.size(), id.bytes.begin());
  return id;
}

Objects::Objects(const std::filesystem::path& repository) {
  prepare_libgit2();
  const auto doing = fmt::format("opening {}", repository.string());
  git_odb* database = nullptr;
  check_libgit2(git_odb_open(&database, (repository / "objects").c_str()), doing);
  database_.reset(database);
  git_repository* wrapped = nullptr;
  check_libgit2(git_repository_wrap_odb(&wrapped, database), doing);
  repository_.reset(wrapped);
}

std::optional<git_object_t> Objects::type_of(const ObjectId& id) const {
  const auto oid = to_oid(id);
  size_t size = 0;
  git_object_t type = GIT_OBJECT_INVALID;
  const int code = git_odb_read_header(&size, &type, database_.get(), &oid);
  if (code == GIT_ENOTFOUND) return std::nullopt;
  check_libgit2(code, "reading an object");
  return type;
}

OwnedCommit Objects::commit(const ObjectId& id) const {
  const auto oid = to_oid(id);
  git_commit* found = nullptr;
  return OwnedCommit(git_commit_lookup(&found, repository_.get(), &oid) == 0 ? found : nullptr);
}

OwnedTree Objects::tree(const ObjectId& id) const {
  const auto oid = to_oid(id);
  git_tree* found = nullptr;
  return OwnedTree(git_tree_lookup(&found, repository_.get(), &oid) == 0 ? found : nullptr);
}

OwnedTag Objects::tag(const ObjectId& id) const {
  const auto oid = to_oid(id);
  git_tag* found = nullptr;
  return OwnedTag(git_tag_lookup(&found, repository_.get(), &oid) == 0 ? found : nullptr);
}

}  // namespace refsyncd
