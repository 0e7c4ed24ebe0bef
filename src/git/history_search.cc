#include "git/history_search.h"

#include <limits>
#include <queue>

namespace refsyncd {
namespace {

/// A commit whose ancestors are to be looked at.
struct Known {
  git_time_t time;
  std::vector<ObjectId> parents;
  bool operator<(const Known& other) const { return time < other.time; }
};

std::vector<ObjectId> parents_of(const git_commit* commit) {
  std::vector<ObjectId> parents;
  for (unsigned i = 0; i < git_commit_parentcount(commit); ++i)
    parents.push_back(from_oid(*git_commit_parent_id(commit, i)));
  return parents;
}

class HistorySearch {
 public:
  HistorySearch(const Objects& objects, size_t limit) : objects_(objects), left_(limit) {}

  void look_for(const std::vector<ObjectId>& commits);
  /// A ref's value: a commit, or a tag of one.
  void start_at(ObjectId id);
  bool find_all();
  bool may_go_on() const { return left_ > 0; }

 private:
  void visit(const ObjectId& id);

  const Objects& objects_;
  size_t left_;
  ObjectIdSet wanted_;
  ObjectIdSet seen_;
  git_time_t oldest_ = 0;  ///< of those wanted: nothing older leads to them
  std::priority_queue<Known> open_;
};

void HistorySearch::look_for(const std::vector<ObjectId>& commits) {
  wanted_.insert(commits.begin(), commits.end());
  oldest_ = std::numeric_limits<git_time_t>::max();
  for (const auto& id : commits) {
    if (const auto commit = objects_.commit(id)) oldest_ = std::min(oldest_, git_commit_time(commit.get()));
  }
}

void HistorySearch::start_at(ObjectId id) {
  for (auto tag = objects_.tag(id); tag; tag = objects_.tag(id)) id = from_oid(*git_tag_target_id(tag.get()));
  visit(id);
}

void HistorySearch::visit(const ObjectId& id) {
  if (left_ == 0 || !seen_.insert(id).second) return;
  --left_;
  const auto commit = objects_.commit(id);
  if (!commit) return;
  wanted_.erase(id);
  const auto time = git_commit_time(commit.get());
  if (time >= oldest_) open_.push({time, parents_of(commit.get())});
}

bool HistorySearch::find_all() {
  while (!wanted_.empty() && !open_.empty() && may_go_on()) {
    const auto next = open_.top();
    open_.pop();
    for (const auto& parent : next.parents) visit(parent);
  }
  return wanted_.empty();
}

}  // namespace

bool seen_to_be_reachable(const Objects& objects, const std::vector<ObjectId>& commits,
                          std::span<const RefValue> refs, size_t limit) {
  if (commits.empty()) return true;
  if (refs.size() > limit) return false;
  HistorySearch search(objects, limit);
  search.look_for(commits);
  for (const auto& ref : refs) search.start_at(ref.id);
  return search.find_all();
}

}  // namespace refsyncd
