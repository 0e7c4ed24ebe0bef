#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "git/locked_refs.h"
#include "git/loose_refs.h"
#include "git/packed_update.h"
#include "git/ref_way.h"
#include "git/repository.h"

namespace refsyncd {
namespace {

/// More obstacles than this in one transaction, and each of the refs left gets a transaction of its own.
constexpr int most_rounds = 50;

bool deletes(const RefUpdate& update) { return update.value.absent(); }

/// What `git update-ref --stdin -z` is told. no-deref, so that a symbolic ref never moves another ref.
std::string instructions(const RefUpdates& updates) {
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
      : git_(git),
        repository_(repository),
        reader_(repository.reader()),
        operation_(operation),
        plain_(has_plain_refs(repository.path())) {}

  /// Deletions, or no deletions.
  void make(const RefUpdates& updates);
  std::vector<RefLeftAlone> left_alone(std::span<const RefUpdate> updates) const;

 private:
  bool holds(const RefUpdate& update) const { return current(update) == update.value; }
  bool moved(const RefUpdate& update) const { return current(update) != update.expected; }
  ObjectId current(const RefUpdate& update) const {
    return reader_.value_of(update.name).value_or(ObjectId{});
  }
  RefWork work(const RefUpdates& updates, bool have_files) const;
  /// The next two return the updates that are left to do.
  RefUpdates write_packed(const RefUpdates& updates);
  RefUpdates write_files(const RefUpdates& updates);
  void apply(RefUpdates updates);
  void apply_one_by_one(const RefUpdates& updates);
  RefUpdates still_possible(const RefUpdates& updates, const Finished& failed);

  const GitProgram& git_;
  const Repository& repository_;
  ObjectReader reader_;
  const Operation& operation_;
  const bool plain_;
  std::set<const RefUpdate*> made_;
  std::map<const RefUpdate*, Error> obstacles_;  ///< why a ref that had not moved could not be written
};

void RefTransaction::make(const RefUpdates& updates) {
  if (updates.empty()) return;
  const LockedRefs refs(repository_.path());
  const bool any_files = any_ref_files(repository_.path());
  RefUpdates rest;
  RefUpdates without_file;
  for (const auto* update : updates)
    (any_files && refs.has_file(update->name) ? rest : without_file).push_back(update);
  if (way_to_write(work(without_file, false)) == RefWay::packed) without_file = write_packed(without_file);
  rest.insert(rest.end(), without_file.begin(), without_file.end());
  if (way_to_write(work(rest, true)) == RefWay::files) rest = write_files(rest);
  apply(rest);
}

RefWork RefTransaction::work(const RefUpdates& updates, bool have_files) const {
  std::error_code none;
  const auto size = std::filesystem::file_size(repository_.path() / "packed-refs", none);
  return {.refs = updates.size(),
          .deletes = !updates.empty() && deletes(*updates.front()),
          .have_files = have_files,
          .plain = plain_,
          .packed_size = none ? 0 : size};
}

/// While somebody holds packed-refs, refs are moved without it. Deletions need it, and very many new refs are
/// not worth a file each.
RefUpdates RefTransaction::write_packed(const RefUpdates& updates) try {
  auto [made, rest] = write_packed_refs(repository_.path(), reader_, updates);
  made_.insert(made.begin(), made.end());
  return rest;
} catch (const LockHeld&) {
  constexpr auto many_new = 64;
  const auto is_new = [](const RefUpdate* update) { return update->expected.absent(); };
  if (deletes(*updates.front()) || std::count_if(updates.begin(), updates.end(), is_new) >= many_new) throw;
  return updates;
}

/// A ref that moved meanwhile is not written, and tells so by the value it holds.
RefUpdates RefTransaction::write_files(const RefUpdates& updates) {
  auto [made, rest] = write_loose_refs(repository_.path(), reader_, updates);
  made_.insert(made.begin(), made.end());
  return rest;
}

/// One transaction of git; when a ref stands in its way, another one without that ref.
void RefTransaction::apply(RefUpdates updates) {
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

void RefTransaction::apply_one_by_one(const RefUpdates& updates) {
  for (const auto* update : updates) apply({update});
}

/// The updates without those whose ref has moved, and without the one that git names as the obstacle.
RefUpdates RefTransaction::still_possible(const RefUpdates& updates, const Finished& failed) {
  RefUpdates rest;
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
  RefUpdates deletions;
  RefUpdates others;
  for (const auto& update : updates) {
    if (update.value != update.expected) (deletes(update) ? deletions : others).push_back(&update);
  }
  // Deletions first and by themselves: a ref `a` must be gone before `a/b` can be made.
  transaction.make(deletions);
  transaction.make(others);
  return transaction.left_alone(updates);
}

}  // namespace refsyncd
