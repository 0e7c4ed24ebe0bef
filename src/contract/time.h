#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace refsyncd {

/// RFC 3339 in UTC with milliseconds, as JavaScript's toISOString(): "2026-01-05T09:30:00.000Z".
std::string format_time(WallTime time);

/// Reads any RFC 3339 date-time of the years 0000 to 9999: with a zone ("Z" or "+02:00"), with any number of
/// decimals (those past milliseconds are dropped). Nothing for anything else, also for a day the calendar
/// does not have.
std::optional<WallTime> parse_time(std::string_view text);

}  // namespace refsyncd
