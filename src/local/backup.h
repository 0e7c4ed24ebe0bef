#pragma once
#include <span>
#include <string>
#include <vector>

#include "git/remote.h"
#include "git/repository.h"
#include "model/sync.h"

namespace refsyncd {

/// Where the old value of a ref is kept when a sync overwrites or deletes it:
/// refs/refsyncd/backup/<sync id>.<attempt>/heads/main. Sorts by time, because sync ids do.
std::string backup_ref(const Sync& sync, const std::string& ref_name);

/// The backups that must exist before the results may be carried out: one for each forced or pruned ref.
std::vector<RefUpdate> backups_for(const Sync& sync, const RefResults& results);

/// Creates the backup refs. Throws Error(transient) when one could not be made, so that nothing is lost
/// without one.
void write_backups(const Repository& repository, std::span<const RefUpdate> backups,
                   const Operation& operation);

/// Deletions of those backup refs whose sync was made before `before` (read from the UUIDv7 in the name).
/// Names that are not ours are left alone.
std::vector<RefUpdate> expired_backups(std::span<const RefValue> backups, WallTime before);

/// All backup refs live below this prefix.
inline constexpr std::string_view backup_prefix = "refs/refsyncd/backup/";

}  // namespace refsyncd
