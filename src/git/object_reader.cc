#include <fmt/format.h>

#include <algorithm>

#include "base/handle.h"
#include "git/change_id.h"
#include "git/libgit2.h"
#include "git/objects.h"
#include "git/ref_files.h"
#include "git/repository.h"

namespace refsyncd {
namespace {

using OwnedReference = Owned<git_reference, git_reference_free>;
using OwnedIterator = Owned<git_reference_iterator, git_reference_iterator_free>;

}  // namespace

struct ObjectReader::Handles {
  explicit Handles(const std::filesystem::path& repository) : path(repository), objects(repository) {}

  /// Opened by the first question about refs that their files do not answer as cheaply.
  git_repository* with_refs() {
    if (!whole) {
      git_repository* opened = nullptr;
      check_libgit2(git_repository_open_bare(&opened, path.c_str()),
                    fmt::format("opening {}", path.string()));
      whole.reset(opened);
    }
    return whole.get();
  }

  std::filesystem::path path;
  Objects objects;
  OwnedRepository whole;
};

ObjectReader::ObjectReader(const std::filesystem::path& repository)
    : handles_(std::make_unique<Handles>(repository)) {}

ObjectReader::~ObjectReader() = default;
ObjectReader::ObjectReader(ObjectReader&&) noexcept = default;

const Objects& ObjectReader::objects() const { return handles_->objects; }

std::vector<RefValue> ObjectReader::refs() const { return read_refs(handles_->path); }

std::vector<RefValue> ObjectReader::refs_below(std::string_view prefix) const {
  git_reference_iterator* created = nullptr;
  check_libgit2(git_reference_iterator_new(&created, handles_->with_refs()), "listing refs");
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
  if (git_reference_name_to_id(&oid, handles_->with_refs(), name.c_str()) != 0) return std::nullopt;
  return from_oid(oid);
}

bool ObjectReader::contains(const ObjectId& id) const {
  const auto oid = to_oid(id);
  return git_odb_exists(handles_->objects.database(), &oid) == 1;
}

bool ObjectReader::contained_when_opened(const ObjectId& id) const {
  const auto oid = to_oid(id);
  return git_odb_exists_ext(handles_->objects.database(), &oid, GIT_ODB_LOOKUP_NO_REFRESH) == 1;
}

std::optional<ObjectId> ObjectReader::peel(const ObjectId& id) const {
  if (handles_->objects.type_of(id) != GIT_OBJECT_TAG) return std::nullopt;
  auto oid = to_oid(id);
  for (;;) {
    git_tag* found = nullptr;
    check_libgit2(git_tag_lookup(&found, handles_->objects.repository(), &oid), "reading a tag");
    const OwnedTag tag(found);
    oid = *git_tag_target_id(found);
    if (git_tag_target_type(found) != GIT_OBJECT_TAG) return from_oid(oid);
  }
}

Ancestry ObjectReader::ancestry(const ObjectId& base, const ObjectId& tip) const {
  for (const auto& id : {tip, base}) {
    const auto type = handles_->objects.type_of(id);
    if (!type) return Ancestry::unknown_object;
    if (*type != GIT_OBJECT_COMMIT) return Ancestry::not_a_commit;
    if (base == tip) return Ancestry::same;
  }
  const auto base_oid = to_oid(base);
  const auto tip_oid = to_oid(tip);
  const int answer = git_graph_descendant_of(handles_->objects.repository(), &tip_oid, &base_oid);
  if (answer == GIT_ENOTFOUND) return Ancestry::unknown_object;
  check_libgit2(answer, "walking history");
  return answer == 1 ? Ancestry::ahead : Ancestry::diverged;
}

std::string ObjectReader::change_id(const ObjectId& commit) const {
  const auto oid = to_oid(commit);
  git_commit* found = nullptr;
  check_libgit2(git_commit_lookup(&found, handles_->objects.repository(), &oid), "reading a commit");
  const OwnedCommit owner(found);
  git_buf header = GIT_BUF_INIT;
  const int code = git_commit_header_field(&header, found, "change-id");
  const Owned<git_buf, git_buf_dispose> content(&header);
  if (code == GIT_ENOTFOUND) return change_id_of(commit, std::nullopt);
  check_libgit2(code, "reading a commit's header");
  return change_id_of(commit, std::string_view(header.ptr, header.size));
}

std::string ObjectReader::head_target() const { return read_head_target(handles_->path); }

}  // namespace refsyncd
