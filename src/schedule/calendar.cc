#include "schedule/calendar.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;
using std::chrono::floor;
using std::chrono::local_days;
using std::chrono::minutes;
using std::chrono::months;
using std::chrono::seconds;
using std::chrono::sys_seconds;
using std::chrono::year_month_day;
using std::chrono::years;

/// The smallest member at or above `from`; N when there is none.
template <size_t N>
size_t member_from(const std::bitset<N>& set, size_t from) {
  while (from < N && !set[from]) ++from;
  return from;
}

bool month_matches(const Cron& cron, const year_month_day& date) {
  return cron.months[static_cast<unsigned>(date.month())];
}

/// The month aside.
bool day_matches(const Cron& cron, local_days day, const year_month_day& date) {
  const bool by_date = cron.days[static_cast<unsigned>(date.day())];
  const bool by_week_day = cron.week_days[std::chrono::weekday(day).c_encoding()];
  const bool both = cron.any_day || cron.any_week_day;
  return both ? by_date && by_week_day : by_date || by_week_day;
}

std::optional<local_days> first_matching_day(const Cron& cron, local_days from) {
  const auto last_year = year_month_day(from).year() + years(41);
  for (auto day = from;;) {
    const year_month_day date(day);
    if (date.year() > last_year) return std::nullopt;
    if (!month_matches(cron, date)) {
      day = local_days{(date.year() / date.month() + months(1)) / 1};
    } else if (day_matches(cron, day, date)) {
      return day;
    } else {
      day += days(1);
    }
  }
}

/// The first time of day at or after `from`; nothing when the day has none left.
std::optional<minutes> first_matching_time(const Cron& cron, minutes from) {
  const auto hour = static_cast<size_t>(from / 1h);
  if (cron.hours[hour]) {
    const auto minute = member_from(cron.minutes, static_cast<size_t>(from % 1h / 1min));
    if (minute < cron.minutes.size()) return minutes(60 * hour + minute);
  }
  const auto later = member_from(cron.hours, hour + 1);
  const auto minute = member_from(cron.minutes, 0);
  if (later == cron.hours.size() || minute == cron.minutes.size()) return std::nullopt;
  return minutes(60 * later + minute);
}

/// With every hour allowed: whatever the clocks show, as often as they show it.
std::optional<sys_seconds> next_by_elapsed_time(const Cron& cron, const TimeZone& zone, sys_seconds after) {
  auto stretch = zone.stretch_at(after);
  auto from = stretch.local(after) + 1min;
  for (;;) {
    const auto match = first_match(cron, from);
    if (!match) return std::nullopt;
    if (const auto moment = stretch.moment(*match); moment < stretch.end) return moment;
    stretch = zone.stretch_at(stretch.end);
    from = stretch.local(stretch.begin + 59s);  // rounded up: the stretch may begin within a minute
  }
}

/// With chosen hours: each local time once.
std::optional<sys_seconds> next_by_local_time(const Cron& cron, const TimeZone& zone, sys_seconds after) {
  auto from = zone.stretch_at(after).local(after) + 1min;
  for (;;) {
    const auto match = first_match(cron, from);
    if (!match) return std::nullopt;
    if (const auto moment = zone.first_moment(*match); moment > after) return moment;
    from = *match + 1min;  // shown a second time now
  }
}

}  // namespace

std::optional<LocalMinute> first_match(const Cron& cron, LocalMinute from) {
  const auto today = floor<days>(from);
  const year_month_day date(today);
  if (month_matches(cron, date) && day_matches(cron, today, date)) {
    if (const auto time = first_matching_time(cron, from - today)) return today + *time;
  }
  const auto time = first_matching_time(cron, 0min);
  const auto day = first_matching_day(cron, today + days(1));
  if (!time || !day) return std::nullopt;
  return *day + *time;
}

std::optional<sys_seconds> next_calendar_time(const Cron& cron, const TimeZone& zone, WallTime after) {
  const auto second = floor<seconds>(after);
  return cron.hours.all() ? next_by_elapsed_time(cron, zone, second) : next_by_local_time(cron, zone, second);
}

}  // namespace refsyncd
