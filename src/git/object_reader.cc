#include <fmt/format.h>
#include <git2.h>

#include <algorithm>

#include "base/handle.h"
#include "git/change_id.h"
#include "git/libgit2.h"
#include "git/repository.h"

namespace refsyncd {
namespace {

using OwnedRepository = Owned<git_repository, git_repository_free>;
using OwnedDatabase = Owned<git_odb, git_odb_free>;
using OwnedReference = Owned<git_reference, git_reference_free>;
using OwnedIterator = Owned<git_reference_iterator, git_reference_iterator_free>;
using OwnedCommit = Owned<git_commit, git_commit_free>;
using OwnedObject = Owned<git_object, git_object_free>;

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

}  // namespace

struct ObjectReader::Handles {
  OwnedRepository repository;
  OwnedDatabase objects;

  /// The object's type, or nothing when it is not there.
  std::optional<git_object_t> type_of(const git_oid& oid) const {
    size_t size = 0;
    git_object_t type = GIT_OBJECT_INVALID;
    const int code = git_odb_read_header(&size, &type, objects.get(), &oid);
    if (code == GIT_ENOTFOUND) return std::nullopt;
    check_libgit2(code, "reading an object");
    return type;
  }
};

ObjectReader::ObjectReader(const std::filesystem::path& repository) : handles_(std::make_unique<Handles>()) {
  prepare_libgit2();
  const auto doing = fmt::format("opening {}", repository.string());
  git_repository* opened = nullptr;
  check_libgit2(git_repository_open_bare(&opened, repository.c_str()), doing);
  handles_->repository.reset(opened);
  git_odb* objects = nullptr;
  check_libgit2(git_repository_odb(&objects, opened), doing);
  handles_->objects.reset(objects);
}

ObjectReader::~ObjectReader() = default;
ObjectReader::ObjectReader(ObjectReader&&) noexcept = default;

std::vector<RefValue> ObjectReader::refs() const {
  auto refs = refs_below("refs/heads/");
  for (auto& tag : refs_below("refs/tags/")) refs.push_back(std::move(tag));
  return refs;
}

std::vector<RefValue> ObjectReader::refs_below(std::string_view prefix) const {
  git_reference_iterator* created = nullptr;
  check_libgit2(git_reference_iterator_new(&created, handles_->repository.get()), "listing refs");
  const OwnedIterator iterator(created);
  std::vector<RefValue> refs;
  for (;;) {
    git_reference* next = nullptr;
    const int code = git_reference_next(&next, iterator.get());
    if (code == GIT_ITEROVER) break;
    check_libgit2(code, "listing refs");
    const OwnedReference ref(next);
    const std::string_view name = git_reference_name(next);
    if (!name.starts_with(prefix)) continue;
    git_reference* resolved = nullptr;
    if (git_reference_resolve(&resolved, next) != 0) continue;  // points nowhere: no value to speak of
    const OwnedReference direct(resolved);
    refs.push_back({std::string(name), from_oid(*git_reference_target(resolved))});
  }
  std::sort(refs.begin(), refs.end());
  return refs;
}

std::optional<ObjectId> ObjectReader::value_of(const std::string& name) const {
  git_oid oid;
  if (git_reference_name_to_id(&oid, handles_->repository.get(), name.c_str()) != 0) return std::nullopt;
  return from_oid(oid);
}

bool ObjectReader::contains(const ObjectId& id) const {
  const auto oid = to_oid(id);
  return git_odb_exists(handles_->objects.get(), &oid) == 1;
}

std::optional<ObjectId> ObjectReader::peel(const ObjectId& id) const {
  const auto oid = to_oid(id);
  if (handles_->type_of(oid) != GIT_OBJECT_TAG) return std::nullopt;
  git_object* found = nullptr;
  check_libgit2(git_object_lookup(&found, handles_->repository.get(), &oid, GIT_OBJECT_TAG), "reading a tag");
  const OwnedObject tag(found);
  git_object* finally = nullptr;
  check_libgit2(git_object_peel(&finally, found, GIT_OBJECT_ANY), "peeling a tag");
  const OwnedObject target(finally);
  return from_oid(*git_object_id(finally));
}

Ancestry ObjectReader::ancestry(const ObjectId& base, const ObjectId& tip) const {
  const auto base_oid = to_oid(base);
  const auto tip_oid = to_oid(tip);
  for (const auto& oid : {tip_oid, base_oid}) {
    const auto type = handles_->type_of(oid);
    if (!type) return Ancestry::unknown_object;
    if (*type != GIT_OBJECT_COMMIT) return Ancestry::not_a_commit;
  }
  if (base == tip) return Ancestry::same;
  const int answer = git_graph_descendant_of(handles_->repository.get(), &tip_oid, &base_oid);
  if (answer == GIT_ENOTFOUND) return Ancestry::unknown_object;
  check_libgit2(answer, "walking history");
  return answer == 1 ? Ancestry::ahead : Ancestry::diverged;
}

std::string ObjectReader::change_id(const ObjectId& commit) const {
  const auto oid = to_oid(commit);
  git_commit* found = nullptr;
  check_libgit2(git_commit_lookup(&found, handles_->repository.get(), &oid), "reading a commit");
  const OwnedCommit owner(found);
  git_buf header = GIT_BUF_INIT;
  const int code = git_commit_header_field(&header, found, "change-id");
  const Owned<git_buf, git_buf_dispose> content(&header);
  if (code == GIT_ENOTFOUND) return change_id_of(commit, std::nullopt);
  check_libgit2(code, "reading a commit's header");
  return change_id_of(commit, std::string_view(header.ptr, header.size));
}

std::string ObjectReader::head_target() const {
  git_reference* found = nullptr;
  if (git_reference_lookup(&found, handles_->repository.get(), "HEAD") != 0) return {};
  const OwnedReference head(found);
  const char* target = git_reference_symbolic_target(found);
  return target ? target : "";
}

}  // namespace refsyncd
