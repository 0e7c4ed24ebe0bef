#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "git/libgit2.h"
#include "git/packed_refs.h"
#include "git/repository.h"

namespace refsyncd {
namespace {

/// From this many new refs on they are written into packed-refs at once: a file a ref costs a first pull of
/// 20,000 refs minutes and gigabytes of blocks.
constexpr size_t many_creations = 64;
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

/// True when a ref of that name could not exist beside the packed ones and those in files.
bool conflicts(const std::filesystem::path& repository, const PackedRefs& packed, const std::string& name) {
  if (packed.find(name) != nullptr || packed.has_below(name)) return true;
  std::error_code problem;
  if (std::filesystem::exists(std::filesystem::symlink_status(repository / name, problem))) return true;
  for (auto slash = name.find('/', 5); slash != std::string::npos; slash = name.find('/', slash + 1)) {
    const auto parent = name.substr(0, slash);
    if (packed.find(parent) != nullptr) return true;
    if (std::filesystem::is_regular_file(repository / parent, problem)) return true;
  }
  return false;
}

/// One call of update_refs: which updates are still to be made, and which have failed.
class RefTransaction {
 public:
  RefTransaction(const GitProgram& git, const Repository& repository, const Operation& operation)
      : git_(git), repository_(repository), reader_(repository.reader()), operation_(operation) {}

  void apply(Updates updates);
  /// Returns the updates that are left to do.
  Updates create_packed(const Updates& updates);
  std::vector<std::string> raced(std::span<const RefUpdate> updates) const;

 private:
  bool holds(const RefUpdate& update) const { return current(update) == update.value; }
  bool moved(const RefUpdate& update) const { return current(update) != update.expected; }
  ObjectId current(const RefUpdate& update) const {
    return reader_.value_of(update.name).value_or(ObjectId{});
  }
  Updates still_possible(const Updates& updates, const Finished& failed);

  const GitProgram& git_;
  const Repository& repository_;
  ObjectReader reader_;
  const Operation& operation_;
  std::optional<Error> obstacle_;  ///< why a ref that had not moved could not be written
};

/// Writes new refs into packed-refs. Never overwrites anything: a ref in a file, made meanwhile, wins over a
/// packed one. What cannot be written this way is left to git.
Updates RefTransaction::create_packed(const Updates& updates) {
  Updates rest;
  PackedRefsLock lock(repository_.path());
  auto packed = read_packed_refs(repository_.path());
  std::vector<PackedRef> added;
  for (const auto* update : updates) {
    if (is_valid_ref_name(update->name) && reader_.contains(update->value) &&
        !conflicts(repository_.path(), packed, update->name)) {
      added.push_back({update->name, update->value, reader_.peel(update->value)});
    } else {
      rest.push_back(update);
    }
  }
  packed.refs.insert(packed.refs.end(), added.begin(), added.end());
  std::sort(packed.refs.begin(), packed.refs.end(),
            [](const PackedRef& a, const PackedRef& b) { return a.name < b.name; });
  if (!added.empty()) lock.replace(packed);
  return rest;
}

/// One transaction of git; when a ref stands in its way, another one without that ref.
void RefTransaction::apply(Updates updates) {
  for (int round = 0; !updates.empty(); ++round) {
    const auto finished =
        git_.run(repository_.path(), {"update-ref", "--stdin", "-z"}, operation_, instructions(updates));
    if (finished.ok()) return;
    const auto rest = still_possible(updates, finished);
    const auto problem =
        classify_git_failure(finished, fmt::format("updating refs of {}", repository_.path().string()));
    if (rest.size() == updates.size() || round == most_rounds) throw Error(problem);
    updates = rest;
  }
}

/// The updates without those whose ref has moved, and without the one that git names as the obstacle.
Updates RefTransaction::still_possible(const Updates& updates, const Finished& failed) {
  Updates rest;
  for (const auto* update : updates) {
    if (moved(*update)) continue;
    const bool named =
        failed.error.find(fmt::format("cannot lock ref '{}'", update->name)) != std::string::npos ||
        failed.error.find(fmt::format("cannot update ref '{}'", update->name)) != std::string::npos;
    if (!named) rest.push_back(update);
    if (named && !obstacle_)
      obstacle_ = classify_git_failure(failed, fmt::format("updating {}", printable(update->name)));
  }
  return rest;
}

std::vector<std::string> RefTransaction::raced(std::span<const RefUpdate> updates) const {
  std::vector<std::string> names;
  for (const auto& update : updates) {
    if (!holds(update)) names.push_back(update.name);
  }
  if (obstacle_ && names.size() == updates.size()) throw Error(*obstacle_);
  return names;
}

}  // namespace

std::vector<std::string> Repository::update_refs(std::span<const RefUpdate> updates,
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
  transaction.apply(moves);
  return transaction.raced(updates);
}

}  // namespace refsyncd
