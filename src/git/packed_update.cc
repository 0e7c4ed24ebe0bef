#include "git/packed_update.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <utility>

#include "base/error.h"
#include "git/ref_locks.h"

namespace refsyncd {
namespace {

/// Nothing when the value is a damaged tag. A branch is known to name no tag: see is_allowed().
std::optional<PackedChange> change_for(const ObjectReader& reader, const RefUpdate& update) try {
  PackedChange change{.name = update.name, .value = update.value, .peeled = {}};
  if (!update.value.absent() && !update.name.starts_with("refs/heads/"))
    change.peeled = reader.peel(update.value);
  return change;
} catch (const Error&) {
  return std::nullopt;
}

/// Writes those of the locked refs that can be.
class PackedUpdate {
 public:
  PackedUpdate(const std::filesystem::path& repository, const ObjectReader& reader, PackedRefsLock& lock)
      : refs_(repository), reader_(reader), lock_(lock) {}

  void add(const RefUpdate& update, WrittenRefs& result);
  void write(WrittenRefs& result);

 private:
  void replace() { lock_.replace(refs_.packed().with(changes_)); }
  void take_back_conflicts(WrittenRefs& result);

  LockedRefs refs_;
  const ObjectReader& reader_;
  PackedRefsLock& lock_;
  std::vector<PackedChange> changes_;
};

void PackedUpdate::add(const RefUpdate& update, WrittenRefs& result) {
  const auto standing = refs_.has_file(update.name) ? Standing::unclear : refs_.standing_without_file(update);
  if (standing == Standing::moved) return;
  auto change = standing == Standing::as_expected ? change_for(reader_, update) : std::nullopt;
  if (change) {
    changes_.push_back(*std::move(change));
    result.made.push_back(&update);
  } else {
    result.rest.push_back(&update);
  }
}

void PackedUpdate::write(WrittenRefs& result) {
  if (changes_.empty()) return;
  replace();
  take_back_conflicts(result);
}

/// Somebody who makes `a/b` makes the folder `a`, then looks whether there is a ref `a`. We have made the ref
/// `a`: who has not made the folder yet will see it, who has may not have.
void PackedUpdate::take_back_conflicts(WrittenRefs& result) {
  const auto conflict = [&](const RefUpdate* update) {
    return update->expected.absent() && refs_.has_file(update->name);
  };
  const auto from = std::stable_partition(result.made.begin(), result.made.end(), std::not_fn(conflict));
  if (from == result.made.end()) return;
  for (auto taken = from; taken != result.made.end(); ++taken)
    std::erase_if(changes_, [&](const PackedChange& change) { return change.name == (*taken)->name; });
  replace();
  result.rest.insert(result.rest.end(), from, result.made.end());
  result.made.erase(from, result.made.end());
}

/// One of the names is a folder of another's.
bool any_below_another(const RefUpdates& updates) {
  std::set<std::string_view> names;
  for (const auto* update : updates) names.insert(update->name);
  return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
    const auto folder = std::string(name) + '/';
    const auto below = names.lower_bound(folder);
    return below != names.end() && below->starts_with(folder);
  });
}

/// The first refs of a repository, without the lock of each, as git itself writes those of a clone: nobody
/// else is there, as a rule. Nothing, and nothing written, when there are refs already or somebody turns out
/// to be making some: a lock that was there before ours were seen is there still, or has become a file.
std::optional<WrittenRefs> write_first_refs(const std::filesystem::path& repository,
                                            const ObjectReader& reader, const RefUpdates& updates,
                                            PackedRefsLock& lock) {
  const auto creates = [](const RefUpdate* update) {
    return update->expected.absent() && !update->value.absent();
  };
  const PackedRefs packed(read_packed_refs_text(repository));
  if (!packed.empty() || any_ref_files(repository) || !std::all_of(updates.begin(), updates.end(), creates) ||
      any_below_another(updates)) {
    return std::nullopt;
  }
  WrittenRefs result;
  std::vector<PackedChange> changes;
  for (const auto* update : updates) {
    auto change = is_allowed(reader, *update) ? change_for(reader, *update) : std::nullopt;
    (change ? result.made : result.rest).push_back(update);
    if (change) changes.push_back(*std::move(change));
  }
  lock.replace(packed.with(std::move(changes)));
  if (!any_ref_files(repository)) return result;
  lock.replace(packed.with({}));
  return std::nullopt;
}

}  // namespace

WrittenRefs write_packed_refs(const std::filesystem::path& repository, const ObjectReader& reader,
                              const RefUpdates& updates) {
  WrittenRefs result;
  PackedRefsLock packed(repository);
  if (auto first = write_first_refs(repository, reader, updates, packed)) return *std::move(first);
  sync_use_mark(repository);
  RefLocks locks(repository);  // released before packed-refs, after all is written
  RefUpdates locked;
  for (const auto* update : updates)
    (is_allowed(reader, *update) && locks.take(update->name) ? locked : result.rest).push_back(update);
  PackedUpdate writing(repository, reader, packed);
  for (const auto* update : locked) writing.add(*update, result);
  writing.write(result);
  return result;
}

}  // namespace refsyncd
