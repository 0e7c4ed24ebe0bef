#pragma once
#include <fmt/chrono.h>

#include <chrono>
#include <ctime>
#include <iomanip>
#include <sstream>
#include <stdexcept>
#include <string>

#include "base/clock.h"
#include "model/policy.h"

namespace refsyncd {

/// "2026-03-29 01:00" in UTC; seconds may follow.
inline WallTime utc(const std::string& text) {
  std::tm fields{};
  std::istringstream in(text);
  in >> std::get_time(&fields, text.size() > 16 ? "%Y-%m-%d %H:%M:%S" : "%Y-%m-%d %H:%M");
  if (in.fail()) throw std::invalid_argument("not a moment: " + text);
  const std::chrono::sys_days day{std::chrono::year(fields.tm_year + 1900) /
                                  std::chrono::month(static_cast<unsigned>(fields.tm_mon + 1)) /
                                  std::chrono::day(static_cast<unsigned>(fields.tm_mday))};
  return day + std::chrono::hours(fields.tm_hour) + std::chrono::minutes(fields.tm_min) +
         std::chrono::seconds(fields.tm_sec);
}

/// The inverse, to the minute; what the minute leaves follows in milliseconds.
inline std::string shown(WallTime time) {
  if (time == WallTime::max()) return "never";
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto rest = (time - std::chrono::floor<std::chrono::minutes>(time)).count();
  const auto text = fmt::format("{:%Y-%m-%d %H:%M}",
                                fmt::gmtime(static_cast<std::time_t>(seconds.time_since_epoch().count())));
  return rest == 0 ? text : fmt::format("{} +{}ms", text, rest);
}

inline Policy cron_policy(std::string_view expression, const std::string& timezone = "UTC") {
  CronSchedule schedule{.cron = {}, .expression = std::string(expression), .timezone = timezone};
  CronProblem problem;
  if (!parse_cron(expression, schedule.cron, problem)) throw std::invalid_argument(problem.message);
  Policy policy;
  policy.name = "app-pull";
  policy.schedule = schedule;
  return policy;
}

inline Policy interval_policy(const std::string& name, milliseconds interval,
                              Jitter jitter = {.fraction = 0, .time = {}}) {
  Policy policy;
  policy.name = name;
  policy.schedule = Every{interval};
  policy.jitter = jitter;
  return policy;
}

}  // namespace refsyncd
