#pragma once
#include <optional>

#include "base/clock.h"
#include "git/condition.h"
#include "git/repository.h"
#include "model/maintenance.h"

namespace refsyncd {

/// Whether a repository in this condition is to be maintained at `now`:
/// - when a day has passed since the last time and something has changed, or waits to be removed;
/// - when an hour has passed and 20 packs have come, or ten minutes and 50.
/// A mark from the future (the clock was wrong) counts as older than a day. Pure.
bool needs_maintenance(const Condition& condition, size_t expired_backups, WallTime now);

/// How one repository is maintained.
struct Upkeep {
  WallTime now;               ///< for what is due
  WallTime backups_until;     ///< backup refs of older syncs have expired
  milliseconds ours;          ///< how long we run: see LeftoverAges
  SteadyTime deadline;        ///< ends what still runs then
  std::stop_token stop = {};  ///< a request ends it, leaving a good repository
};

/// Maintains the repository when it needs that: removes what killed processes left and backup refs that have
/// expired, packs refs when 100 have files of their own, and rolls packs up when there are ten or 2000
/// loose objects (git repack --geometric), and extends the commit-graph. Steps that fail keep no other from
/// being tried. No object is deleted, and whoever reads or pushes meanwhile is not disturbed; nobody else of
/// ours may use it, though. Nothing when it was not needed. Blocks; throws Error when the repository cannot
/// be looked at.
std::optional<MaintenanceReport> maintain(const Repository& repository, const Upkeep& upkeep);

/// Deletes backup refs of syncs before `before`; returns how many.
size_t remove_expired_backups(const Repository& repository, WallTime before, const Operation& operation);

}  // namespace refsyncd
