#pragma once
#include <optional>

#include "model/cron.h"
#include "schedule/time_zone.h"

namespace refsyncd {

/// The first local minute at or after `from` that the expression names, as a calendar without changes of
/// clocks has it. Nothing when there is none within 41 years (a 29 February on a given week day comes back
/// within 40).
std::optional<LocalMinute> first_match(const Cron& cron, LocalMinute from);

/// The first moment strictly after `after` at which the expression is due in the zone, changes of clocks
/// considered as next_due() promises; nothing when it is never due again.
std::optional<std::chrono::sys_seconds> next_calendar_time(const Cron& cron, const TimeZone& zone,
                                                           WallTime after);

}  // namespace refsyncd
