#include "local/backup.h"

#include <fmt/format.h>

#include "base/uuid.h"

namespace refsyncd {
std::string backup_ref(const Sync& sync, const std::string& ref_name) {
  constexpr std::string_view refs = "refs/";
  return fmt::format("{}{}.{}/{}", backup_prefix, sync.id, sync.attempt, ref_name.substr(refs.size()));
}

std::vector<RefUpdate> backups_for(const Sync& sync, const RefResults& results) {
  std::vector<RefUpdate> backups;
  for (const auto& ref : results) {
    if (ref.outcome != Outcome::updated || !ref.before) continue;
    if (ref.reason != Reason::forced && ref.reason != Reason::pruned) continue;
    backups.push_back({.name = backup_ref(sync, ref.name), .value = *ref.before, .expected = {}});
  }
  return backups;
}

void write_backups(const Repository& repository, std::span<const RefUpdate> backups,
                   const Operation& operation) {
  if (backups.empty()) return;
  const auto left = repository.update_refs(backups, operation);
  if (left.empty()) return;
  const auto& [name, obstacle] = left.front();
  throw Error(ErrorKind::transient, fmt::format("could not keep a backup: {}",
                                                obstacle.empty() ? name + " exists already" : obstacle));
}

std::vector<RefUpdate> expired_backups(std::span<const RefValue> backups, WallTime before) {
  std::vector<RefUpdate> deletions;
  for (const auto& ref : backups) {
    if (!ref.name.starts_with(backup_prefix)) continue;
    const auto made = time_of_uuid(std::string_view(ref.name).substr(backup_prefix.size()));
    if (made && *made < before) deletions.push_back({.name = ref.name, .value = {}, .expected = ref.id});
  }
  return deletions;
}

}  // namespace refsyncd
