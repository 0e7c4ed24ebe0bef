#pragma once
#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>

namespace refsyncd {

/// A cron expression of five fields (minute, hour, day of month, month, day of week), as in crontab(5): `*`,
/// lists, ranges, steps, three-letter English names of months and week days in any case, 7 as Sunday, and
/// @hourly, @daily,
/// @midnight, @weekly, @monthly, @yearly, @annually. When both day fields are restricted, either may match.
struct Cron {
  std::bitset<60> minutes;
  std::bitset<24> hours;
  std::bitset<32> days;       ///< 1..31
  std::bitset<13> months;     ///< 1..12
  std::bitset<7> week_days;   ///< 0 = Sunday
  bool any_day = false;       ///< the day-of-month field is `*` (or starts with it)
  bool any_week_day = false;  ///< the day-of-week field is `*` (or starts with it)

  bool operator==(const Cron&) const = default;
};

/// Why an expression cannot be read.
struct CronProblem {
  size_t column = 0;    ///< offset of the offending part in the expression, 0-based
  std::string message;  ///< what is wrong and what to write, without a place
};

/// Reads an expression. On failure returns false and fills `problem`. An expression that can never be due (31
/// February) is a problem too.
bool parse_cron(std::string_view expression, Cron& cron, CronProblem& problem);

/// True when the IANA time zone ("Europe/Zurich", "UTC") is known to the system's time zone database.
bool known_time_zone(const std::string& name);

}  // namespace refsyncd
