#include "git/negotiation.h"

#include <git2.h>

#include <algorithm>

#include "base/handle.h"
#include "git/libgit2.h"

namespace refsyncd {
namespace {

constexpr size_t first_round = 64;
constexpr size_t most_rounds = 6;  // each offers four times as much as the one before

using OwnedWalk = Owned<git_revwalk, git_revwalk_free>;

}  // namespace

/// Commits from new to old, fewer and fewer of them.
struct Negotiation::History {
  OwnedWalk walk;
  size_t taken = 0;
};

Negotiation::Negotiation(const ObjectReader& repository, std::span<const RefValue> held,
                         std::span<const std::string> moving)
    : repository_(repository) {
  std::vector<ObjectId> others;
  for (const auto& ref : held) {
    const bool moves = std::binary_search(moving.begin(), moving.end(), ref.name);
    const bool likely = ref.name == "refs/heads/main" || ref.name == "refs/heads/master";
    (moves || likely ? tips_ : others).push_back(ref.id);
  }
  std::reverse(others.begin(), others.end());  // names with a version or a number: the last is the newest
  tips_.insert(tips_.end(), others.begin(), others.end());
}

Negotiation::~Negotiation() = default;

bool Negotiation::exhausted() const {
  return rounds_ >= most_rounds || (next_tip_ >= tips_.size() && history_over_);
}

void Negotiation::common(std::span<const ObjectId> ids) {
  for (const auto& id : ids) {
    if (!offered_.contains(id))
      throw Error(ErrorKind::transient, "the server knows of commits that it was not told of");
    if (known_common_.insert(id).second) common_.push_back(id);
  }
}

void Negotiation::offer(const ObjectId& id, std::vector<ObjectId>& round) {
  if (offered_.insert(id).second) round.push_back(id);
}

std::vector<ObjectId> Negotiation::next_round() {
  const size_t goal = first_round << (2 * rounds_++);
  std::vector<ObjectId> fresh;
  while (fresh.size() < goal && next_tip_ < tips_.size()) {
    const auto& tip = tips_[next_tip_++];
    if (repository_.contains(tip)) offer(tip, fresh);
  }
  // The first round is the refs alone: mostly that is enough, and history costs reading.
  const bool look_back = rounds_ > 1 || tips_.empty();
  while (fresh.size() < goal && look_back && !history_over_) {
    const auto id = next_of_history();
    if (!id) break;
    offer(*id, fresh);
  }
  auto haves = common_;
  haves.insert(haves.end(), fresh.begin(), fresh.end());
  return haves;
}

std::optional<ObjectId> Negotiation::next_of_history() {
  if (!history_) {
    history_ = std::make_unique<History>();
    git_revwalk* walk = nullptr;
    check_libgit2(git_revwalk_new(&walk, repository_.objects().repository()), "walking history");
    history_->walk.reset(walk);
    git_revwalk_sorting(walk, GIT_SORT_TIME);
    for (const auto& tip : tips_) {
      const auto oid = to_oid(tip);
      git_revwalk_push(walk, &oid);  // what is no commit has no history
    }
  }
  // The first hundred one by one, then every other, every fourth ...
  const size_t step = size_t{1} << std::min<size_t>(history_->taken / 100, 10);
  git_oid oid;
  for (size_t skipped = 0; skipped < step; ++skipped) {
    if (git_revwalk_next(&oid, history_->walk.get()) == 0) continue;
    history_over_ = true;
    return std::nullopt;
  }
  ++history_->taken;
  return from_oid(oid);
}

}  // namespace refsyncd
