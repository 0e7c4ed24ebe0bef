#include "config/rules.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "base/duration.h"
#include "base/handle.h"
#include "base/text.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;
constexpr milliseconds year = 24h * 366;

/// The interval as a range; nothing for a cron expression.
struct Interval {
  milliseconds shortest;
  milliseconds longest;
};
std::optional<Interval> interval_of(const Rules& rules) {
  return std::visit(match{[](const Every& every) {
                            return std::optional(Interval{every.interval, every.interval});
                          },
                          [](const Adaptive& adaptive) {
                            return std::optional(Interval{adaptive.min, adaptive.max});
                          },
                          [](const CronSchedule&) { return std::optional<Interval>(); }},
                    rules.schedule);
}

/// The first of the fields that is written, or none.
Field first_of(const Fields& fields, std::initializer_list<std::string_view> names) {
  for (const auto name : names) {
    if (const auto field = fields[name]) return field;
  }
  return {};
}

std::optional<std::string> read_timezone(Reading& reading, const Field& field) {
  const auto text = read_text(reading, field);
  if (!text) return std::nullopt;
  if (known_time_zone(std::string(*text))) return std::string(*text);
  reading.problems.add(field.place(),
                       fmt::format("'{}' is no known time zone; write a name such as Europe/Zurich or UTC",
                                   printable(*text, 100)));
  return std::nullopt;
}

std::optional<CronSchedule> read_cron(Reading& reading, const Field& field, const std::string& timezone) {
  const auto text = read_text(reading, field);
  if (!text) return std::nullopt;
  CronSchedule schedule{.cron = {}, .expression = std::string(*text), .timezone = timezone};
  CronProblem problem;
  if (parse_cron(*text, schedule.cron, problem)) return schedule;
  reading.problems.add(field.value.place_at(problem.column), fmt::format("'cron': {}", problem.message));
  return std::nullopt;
}

std::optional<Adaptive> read_adaptive(Reading& reading, const Field& field) {
  if (!field) return std::nullopt;
  const Fields fields(reading, field.value, keys::adaptive, "adaptive");
  if (!fields["min"] || !fields["max"]) {
    reading.problems.add(field.place(),
                         "'adaptive' needs 'min' and 'max'; write adaptive: {min: 1m, max: 1h}");
  }
  const auto min = read_duration(reading, fields["min"], {1s, year});
  const auto max = read_duration(reading, fields["max"], {1s, year});
  if (!min || !max) return std::nullopt;
  if (*max >= *min) return Adaptive{.min = *min, .max = *max};
  reading.problems.add(fields["max"].place(),
                       fmt::format("the longest interval 'max' ({}) is shorter than the shortest ({})",
                                   format_duration(*max), format_duration(*min)));
  return std::nullopt;
}

/// Of the keys that say when, each pair that stands together is a mistake.
void refuse_several_schedules(Reading& reading, const Fields& fields) {
  constexpr std::array names{"every", "cron", "adaptive"};
  for (size_t i = 0; i < names.size(); ++i) {
    for (size_t j = i + 1; j < names.size(); ++j) {
      const auto one = fields[names.at(i)];
      const auto other = fields[names.at(j)];
      if (!one || !other) continue;
      const auto& later = one.key.place() < other.key.place() ? other : one;
      reading.problems.add(later.key.place(),
                           fmt::format("'{}' and '{}' exclude each other; keep one", one.name, other.name));
    }
  }
}

void read_schedule(Reading& reading, const Fields& fields, Rules& rules, RulesOf whose) {
  const auto cron = fields["cron"];
  const auto timezone = fields["timezone"];
  refuse_several_schedules(reading, fields);
  if (const auto zone = read_timezone(reading, timezone)) rules.timezone = *zone;
  if (const auto interval = read_duration(reading, fields["every"], {1s, year})) {
    rules.schedule = Every{*interval};
  }
  if (const auto adaptive = read_adaptive(reading, fields["adaptive"])) rules.schedule = *adaptive;
  if (const auto schedule = read_cron(reading, cron, rules.timezone)) rules.schedule = *schedule;
  if (auto* inherited = std::get_if<CronSchedule>(&rules.schedule)) inherited->timezone = rules.timezone;
  if (timezone && !cron && interval_of(rules) && whose == RulesOf::policy) {
    reading.problems.add(timezone.key.place(),
                         fmt::format("'timezone' has no effect on '{}'; remove it or write 'cron'",
                                     std::holds_alternative<Every>(rules.schedule) ? "every" : "adaptive"));
  }
}

std::optional<double> parse_percentage(std::string_view text) {
  if (!text.ends_with('%')) return std::nullopt;
  text.remove_suffix(1);
  double number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc{} || end != text.data() + text.size() || !(number >= 0 && number <= 100))
    return std::nullopt;
  return number;
}

std::optional<Jitter> read_jitter(Reading& reading, const Field& field) {
  const auto text = read_text(reading, field);
  if (!text) return std::nullopt;
  if (const auto percentage = parse_percentage(*text))
    return Jitter{.fraction = *percentage / 100, .time = {}};
  if (const auto time = parse_duration(*text); time && *time <= 24h)
    return Jitter{.fraction = 0, .time = *time};
  reading.problems.add(field.place(),
                       fmt::format("'{}' is no jitter; write a percentage from 0% to 100%, or a duration "
                                   "up to 1d such as 30s",
                                   printable(*text, 100)));
  return std::nullopt;
}

void check_jitter(Reading& reading, const Fields& fields, Rules& rules) {
  const auto own = fields["jitter"];
  const auto interval = interval_of(rules);
  if (!interval) {
    if (own && rules.jitter.fraction > 0) {
      reading.problems.add(
          own.place(), "a percentage needs an interval and 'cron' has none; write a duration such as 30s");
    }
    return;
  }
  const auto written = first_of(fields, {"jitter", "every", "adaptive"});
  if (written && rules.jitter.time >= interval->shortest) {
    reading.problems.add(
        written.place(),
        fmt::format("the jitter ({}) must be shorter than the interval ({})",
                    format_duration(rules.jitter.time), format_duration(interval->shortest)));
  }
}

void check_stale_after(Reading& reading, const Fields& fields, const Rules& rules) {
  const auto written = first_of(fields, {"stale_after", "every", "adaptive"});
  const auto interval = interval_of(rules);
  if (!written || !interval || rules.stale_after == 0ms || rules.stale_after > interval->longest) return;
  reading.problems.add(
      written.place(),
      fmt::format("'stale_after' ({}) must be longer than the interval ({}), or readiness fails "
                  "between two runs; write {} or more",
                  format_duration(rules.stale_after), format_duration(interval->longest),
                  format_duration(interval->longest * 3)));
}

RetryRule read_retry(Reading& reading, const Field& field, const RetryRule& inherited) {
  if (!field) return inherited;
  const Fields fields(reading, field.value, keys::retry, "retry");
  const RetryRule retry{
      .attempts = read_count(reading, fields["attempts"], {1, 100}).value_or(inherited.attempts),
      .first = read_duration(reading, fields["first"], {1ms, 24h}).value_or(inherited.first),
      .max = read_duration(reading, fields["max"], {1ms, 24h}).value_or(inherited.max),
  };
  if (retry.max >= retry.first) return retry;
  const auto written = first_of(fields, {"max", "first"});
  reading.problems.add(written.place(),
                       fmt::format("the longest wait 'max' ({}) is shorter than the first ({})",
                                   format_duration(retry.max), format_duration(retry.first)));
  return inherited;
}

}  // namespace

Rules read_rules(Reading& reading, const Fields& fields, const Rules& inherited, RulesOf whose) {
  Rules rules = inherited;
  read_schedule(reading, fields, rules, whose);
  rules.jitter = read_jitter(reading, fields["jitter"]).value_or(inherited.jitter);
  rules.retry = read_retry(reading, fields["retry"], inherited.retry);
  rules.timeout = read_duration(reading, fields["timeout"], {1s, 24h * 7}).value_or(inherited.timeout);
  rules.stale_after =
      read_duration(reading, fields["stale_after"], {0s, year}).value_or(inherited.stale_after);
  rules.catch_up = read_bool(reading, fields["catch_up"]).value_or(inherited.catch_up);
  rules.force = read_bool(reading, fields["force"]).value_or(inherited.force);
  rules.prune = read_bool(reading, fields["prune"]).value_or(inherited.prune);
  check_jitter(reading, fields, rules);
  check_stale_after(reading, fields, rules);
  return rules;
}

}  // namespace refsyncd
