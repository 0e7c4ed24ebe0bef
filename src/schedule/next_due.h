#pragma once
#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "model/policy.h"

namespace refsyncd {

/// The policy's first due time strictly after `after`. Pure, and the same for the same policy and time on
/// every machine and after every restart.
///
/// every: due times form a grid `phase + k * interval` on the UTC time line, where the phase is spread over
/// the interval by a stable hash of the policy's name, plus a jitter of U(name, k) in [0, jitter).
///
/// adaptive: as `every`, with the interval that the quiet time from `last_change` (PolicyState) to `after`
/// gives; the shortest while there is none. The other schedules do not look at it.
///
/// cron: calendar times of the time zone. An expression that restricts the hour runs once for each matching
/// local time: times that a change of clocks skips are due at the first moment after the gap (several in one
/// gap are due once), times that occur twice are due at their first occurrence. With every hour allowed, due
/// times follow elapsed time, so a 15-minute expression stays one. Jitter in absolute time is added.
///
/// Phase and jitter are whole tenths of a second, so that policies share the moments at which the agent
/// wakes. Jitter is cut to the distance to the next grid point or calendar time, so due times keep their
/// order and none is lost. WallTime::max() stands for never: a schedule that names no time, or the year 9999
/// reached. Throws Error(bad_config) when the time zone is not in the system's database.
WallTime next_due(const Policy& policy, WallTime after, std::optional<WallTime> last_change = std::nullopt);

/// When readiness gives the policy up, given its last success: after `stale_after`, or when three due times
/// and the timeout have passed.
WallTime stale_at(const Policy& policy, WallTime last_success,
                  std::optional<WallTime> last_change = std::nullopt);

}  // namespace refsyncd
