#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "git/libgit2.h"
#include "git/loose_refs.h"
#include "git/packed_refs.h"
#include "git/repository.h"

namespace refsyncd {
namespace {

/// Up to so many moves and creations are made without git, one file each.
constexpr size_t few_updates = 64;
/// From this many new refs on they are written into packed-refs at once: a file a ref costs a first pull of
/// 20,000 refs minutes and gigabytes of blocks.
constexpr size_t many_creations = 64;
/// More obstacles than this in one transaction, and each of the refs left gets a transaction of its own.
constexpr int most_rounds = 50;

using Updates = std::vector<const RefUpdate*>;

bool deletes(const RefUpdate& update) { return update.value.absent(); }
bool creates(const RefUpdate& update) { return update.expected.absent() && !deletes(update); }

/// What `git update-ref --stdin -z` is told. no-deref, so that a symbolic ref never moves another ref.
std::string instructions(const Updates& updates) {
  std::string text;
  for (const auto* update : updates) {
    text += std::string("option no-deref\0", 16);
    const std::string_view verb = deletes(*update) ? "delete " : "update ";
    text += verb;
    text += update->name + '\0';
    if (!deletes(*update)) text += update->value.hex() + '\0';
    text += update->expected.hex() + '\0';
  }
  return text;
}

/// One call of update_refs: which updates were made, and which could not be.
class RefTransaction {
 public:
  RefTransaction(const GitProgram& git, const Repository& repository, const Operation& operation)
      : git_(git), repository_(repository), reader_(repository.reader()), operation_(operation) {}

  void apply(Updates updates);
  /// The next two return the updates that are left to do.
  Updates create_packed(const Updates& updates);
  Updates write_files(const Updates& updates);
  std::vector<RefLeftAlone> left_alone(std::span<const RefUpdate> updates) const;

 private:
  bool holds(const RefUpdate& update) const { return current(update) == update.value; }
  bool moved(const RefUpdate& update) const { return current(update) != update.expected; }
  ObjectId current(const RefUpdate& update) const {
    return reader_.value_of(update.name).value_or(ObjectId{});
  }
  void apply_one_by_one(const Updates& updates);
  Updates still_possible(const Updates& updates, const Finished& failed);

  const GitProgram& git_;
  const Repository& repository_;
  ObjectReader reader_;
  const Operation& operation_;
  std::set<const RefUpdate*> made_;
  std::map<const RefUpdate*, Error> obstacles_;  ///< why a ref that had not moved could not be written
};

/// Writes new refs into packed-refs. Never overwrites anything: a ref in a file, made meanwhile, wins over a
/// packed one. What cannot be written this way is left to git.
Updates RefTransaction::create_packed(const Updates& updates) {
  Updates rest;
  PackedRefsLock lock(repository_.path());
  auto packed = read_packed_refs(repository_.path());
  Updates made;
  std::vector<PackedRef> added;
  for (const auto* update : updates) {
    if (is_valid_ref_name(update->name) && reader_.contains(update->value) &&
        !is_in_the_way(repository_.path(), packed, update->name)) {
      made.push_back(update);
      added.push_back({update->name, update->value, reader_.peel(update->value)});
    } else {
      rest.push_back(update);
    }
  }
  packed.refs.insert(packed.refs.end(), added.begin(), added.end());
  std::sort(packed.refs.begin(), packed.refs.end(),
            [](const PackedRef& a, const PackedRef& b) { return a.name < b.name; });
  if (!added.empty()) lock.replace(packed);
  made_.insert(made.begin(), made.end());
  return rest;
}

/// Spares the start of git. A ref that moved meanwhile is not written, and tells so by the value it holds.
Updates RefTransaction::write_files(const Updates& updates) {
  auto [made, rest] = write_loose_refs(repository_.path(), reader_, updates);
  made_.insert(made.begin(), made.end());
  return rest;
}

/// One transaction of git; when a ref stands in its way, another one without that ref.
void RefTransaction::apply(Updates updates) {
  for (int round = 0; !updates.empty(); ++round) {
    if (round == most_rounds) return apply_one_by_one(updates);
    const auto finished =
        git_.run(repository_.path(), {"update-ref", "--stdin", "-z"}, operation_, instructions(updates));
    if (finished.ok()) {
      made_.insert(updates.begin(), updates.end());
      return;
    }
    auto rest = still_possible(updates, finished);
    if (rest.size() == updates.size()) {
      throw classify_git_failure(finished, fmt::format("updating refs of {}", repository_.path().string()));
    }
    updates = std::move(rest);
  }
}

void RefTransaction::apply_one_by_one(const Updates& updates) {
  for (const auto* update : updates) apply({update});
}

/// The updates without those whose ref has moved, and without the one that git names as the obstacle.
Updates RefTransaction::still_possible(const Updates& updates, const Finished& failed) {
  Updates rest;
  for (const auto* update : updates) {
    if (moved(*update)) continue;
    const bool named =
        failed.error.find(fmt::format("cannot lock ref '{}'", update->name)) != std::string::npos ||
        failed.error.find(fmt::format("cannot update ref '{}'", update->name)) != std::string::npos;
    if (named) {
      obstacles_.emplace(
          update, classify_git_failure(failed, fmt::format("updating {}", printable(update->name, 200))));
    } else {
      rest.push_back(update);
    }
  }
  return rest;
}

/// What was made stays made: a ref that somebody else moved on since then does not count.
std::vector<RefLeftAlone> RefTransaction::left_alone(std::span<const RefUpdate> updates) const {
  std::vector<RefLeftAlone> left;
  for (const auto& update : updates) {
    if (made_.contains(&update) || holds(update)) continue;
    const auto obstacle = obstacles_.find(&update);
    left.push_back({update.name, obstacle != obstacles_.end() ? obstacle->second.what() : ""});
  }
  if (!obstacles_.empty() && left.size() == updates.size()) throw Error(obstacles_.begin()->second);
  return left;
}

}  // namespace

std::vector<RefLeftAlone> Repository::update_refs(std::span<const RefUpdate> updates,
                                                  const Operation& operation) const {
  if (updates.empty()) return {};
  RefTransaction transaction(*git_, *this, operation);
  Updates deletions;
  Updates creations;
  Updates moves;
  for (const auto& update : updates) {
    if (update.value == update.expected) continue;
    (deletes(update) ? deletions : creates(update) ? creations : moves).push_back(&update);
  }
  // Deletions first and by themselves: a ref `a` must be gone before `a/b` can be made.
  transaction.apply(deletions);
  if (creations.size() >= many_creations) {
    creations = transaction.create_packed(creations);
  }
  moves.insert(moves.end(), creations.begin(), creations.end());
  if (moves.size() < few_updates) moves = transaction.write_files(moves);
  transaction.apply(moves);
  return transaction.left_alone(updates);
}

}  // namespace refsyncd
