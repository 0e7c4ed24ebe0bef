#include "git/new_objects.h"

#include <fmt/format.h>
#include <git2/odb_backend.h>
#include <git2/sys/odb_backend.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "git/history_search.h"
#include "git/libgit2.h"
#include "git/objects.h"

namespace refsyncd {
namespace {

/// The packs of a repository without those of its alternates.
class OwnPacks {
 public:
  explicit OwnPacks(const std::filesystem::path& repository) {
    prepare_libgit2();
    git_odb* created = nullptr;
    check_libgit2(git_odb_new(&created), "opening packs");
    packs_.reset(created);
    git_odb_backend* backend = nullptr;
    check_libgit2(git_odb_backend_pack(&backend, (repository / "objects").c_str()), "opening packs");
    const int code = git_odb_add_backend(created, backend, 1);
    if (code < 0) backend->free(backend);
    check_libgit2(code, "opening packs");
  }

  bool hold(const ObjectId& id) const {
    const auto oid = to_oid(id);
    return git_odb_exists_ext(packs_.get(), &oid, GIT_ODB_LOOKUP_NO_REFRESH) == 1;
  }

 private:
  OwnedDatabase packs_;
};

/// An object and what names it.
struct Link {
  ObjectId id;
  git_object_t type;  ///< what it must be
  std::string from;   ///< printable
};

/// A tree that is not known to be complete, and trees that are, at the same place in earlier commits.
struct TreeTask {
  Link tree;
  std::vector<ObjectId> complete;
};

/// A walk from what is new towards what was there before. What it has no reason to trust it looks at.
class NewObjects {
 public:
  NewObjects(const ScratchRepository& scratch, std::span<const RefValue> held, const WalkLimits& limits)
      : objects_(scratch.reader().objects()), own_(scratch.path()), held_refs_(held), limits_(limits) {
    held_.reserve(held.size());
    for (const auto& ref : held) held_.insert(ref.id);
  }

  bool prove(std::span<const ObjectId> tips);

 private:
  void start_at(const ObjectId& tip);
  void look_at_commit(const Link& link);
  void look_at_tree(const TreeTask& task);
  void look_at_entry(const git_tree_entry& entry, const TreeTask& task,
                     const std::vector<OwnedTree>& complete);
  void require(const Link& link);

  const Objects& objects_;
  OwnPacks own_;
  std::span<const RefValue> held_refs_;
  WalkLimits limits_;
  ObjectIdSet held_;
  ObjectIdSet seen_commits_;
  ObjectIdSet seen_trees_;
  ObjectIdSet seen_files_;
  size_t looked_at_ = 0;
  bool undecided_ = false;  ///< libgit2 cannot read what git, more lenient with old histories, may
  std::vector<Link> commits_;
  std::vector<TreeTask> trees_;
  std::vector<ObjectId> old_commits_;  ///< were there before, but no ref names them
};

std::string called(git_object_t type, const ObjectId& id) {
  return fmt::format("{} {}", git_object_type2string(type), id.hex());
}

/// Throws unless the object is there and what it is said to be.
void NewObjects::require(const Link& link) {
  ++looked_at_;
  const auto type = objects_.type_of(link.id);
  if (!type) {
    throw Error(ErrorKind::transient,
                fmt::format("did not send all necessary objects: {}, which {} names, is missing",
                            called(link.type, link.id), link.from));
  }
  if (*type != link.type) {
    throw Error(ErrorKind::untrusted,
                fmt::format("{} is a {}, but {} names it as a {}", link.id.hex(),
                            git_object_type2string(*type), link.from, git_object_type2string(link.type)));
  }
}

/// Tags of tags are followed to their end.
void NewObjects::start_at(const ObjectId& tip) {
  const auto type = objects_.type_of(tip);
  Link link{tip, type.value_or(GIT_OBJECT_COMMIT), "a ref"};
  require(link);
  while (link.type == GIT_OBJECT_TAG && !held_.contains(link.id)) {
    const auto tag = objects_.tag(link.id);
    if (!tag) {
      undecided_ = true;
      return;
    }
    link = {from_oid(*git_tag_target_id(tag.get())), git_tag_target_type(tag.get()),
            called(link.type, link.id)};
    require(link);
  }
  if (link.type == GIT_OBJECT_COMMIT) {
    commits_.push_back(std::move(link));
  } else if (link.type == GIT_OBJECT_TREE) {
    trees_.push_back({std::move(link), {}});
  }
}

void NewObjects::look_at_commit(const Link& link) {
  if (held_.contains(link.id) || !seen_commits_.insert(link.id).second) return;
  if (!own_.hold(link.id)) {
    old_commits_.push_back(link.id);
    return;
  }
  const auto commit = objects_.commit(link.id);
  if (!commit) {
    undecided_ = true;
    return;
  }
  const auto name = called(GIT_OBJECT_COMMIT, link.id);
  TreeTask task{{from_oid(*git_commit_tree_id(commit.get())), GIT_OBJECT_TREE, name}, {}};
  for (unsigned i = 0; i < git_commit_parentcount(commit.get()); ++i) {
    const Link parent{from_oid(*git_commit_parent_id(commit.get(), i)), GIT_OBJECT_COMMIT, name};
    require(parent);
    if (const auto found = objects_.commit(parent.id))
      task.complete.push_back(from_oid(*git_commit_tree_id(found.get())));
    commits_.push_back(parent);
  }
  trees_.push_back(std::move(task));
}

/// The trees of parents count as complete: a parent is either looked at too, or was there before and is
/// reachable from a ref.
void NewObjects::look_at_tree(const TreeTask& task) {
  if (std::find(task.complete.begin(), task.complete.end(), task.tree.id) != task.complete.end()) return;
  if (!seen_trees_.insert(task.tree.id).second) return;
  require(task.tree);
  const auto tree = objects_.tree(task.tree.id);
  if (!tree) {
    undecided_ = true;
    return;
  }
  std::vector<OwnedTree> complete;
  for (const auto& id : task.complete) {
    if (auto found = objects_.tree(id)) complete.push_back(std::move(found));
  }
  for (size_t i = 0; i < git_tree_entrycount(tree.get()); ++i)
    look_at_entry(*git_tree_entry_byindex(tree.get(), i), task, complete);
}

void NewObjects::look_at_entry(const git_tree_entry& entry, const TreeTask& task,
                               const std::vector<OwnedTree>& complete) {
  const auto type = git_tree_entry_type(&entry);
  if (type == GIT_OBJECT_COMMIT) return;  // of a submodule, which lives elsewhere
  const auto* const id = git_tree_entry_id(&entry);
  TreeTask below{{from_oid(*id), type, {}}, {}};
  for (const auto& tree : complete) {
    const auto* const before = git_tree_entry_byname(tree.get(), git_tree_entry_name(&entry));
    if (before == nullptr || git_tree_entry_type(before) != type) continue;
    if (git_oid_equal(git_tree_entry_id(before), id) != 0) return;
    below.complete.push_back(from_oid(*git_tree_entry_id(before)));
  }
  below.tree.from = fmt::format("{} ('{}')", called(GIT_OBJECT_TREE, task.tree.id),
                                printable(git_tree_entry_name(&entry), 100));
  if (type == GIT_OBJECT_TREE) {
    trees_.push_back(std::move(below));
  } else if (seen_files_.insert(below.tree.id).second) {
    require(below.tree);
  }
}

bool NewObjects::prove(std::span<const ObjectId> tips) {
  for (const auto& tip : tips) start_at(tip);
  while (!commits_.empty() || !trees_.empty()) {
    if (undecided_ || looked_at_ > limits_.objects) return false;
    if (!trees_.empty()) {
      const auto task = std::move(trees_.back());
      trees_.pop_back();
      look_at_tree(task);
    } else {
      const auto link = std::move(commits_.back());
      commits_.pop_back();
      look_at_commit(link);
    }
  }
  return !undecided_ && seen_to_be_reachable(objects_, old_commits_, held_refs_, limits_.history);
}

}  // namespace

bool prove_connected(const ScratchRepository& scratch, std::span<const ObjectId> tips,
                     std::span<const RefValue> held, const WalkLimits& limits) {
  return NewObjects(scratch, held, limits).prove(tips);
}

bool holds_itself(const std::filesystem::path& scratch, std::span<const ObjectId> objects) {
  const OwnPacks own(scratch);
  return std::all_of(objects.begin(), objects.end(), [&](const ObjectId& id) { return own.hold(id); });
}

}  // namespace refsyncd
