#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "moments.h"
#include "schedule/next_due.h"

// next_due() against the C library's idea of local time, minute by minute over whole years.
namespace refsyncd {
namespace {

using namespace std::chrono_literals;
using std::chrono::minutes;
using SysMinute = std::chrono::sys_time<minutes>;

constexpr SysMinute year_start = std::chrono::sys_days{std::chrono::year{2026} / 1 / 1};
constexpr SysMinute year_end = std::chrono::sys_days{std::chrono::year{2027} / 1 / 1};

constexpr SysMinute first_minute =
    year_start - 24h;  // so that the year does not begin in the middle of a change

/// Minutes since the epoch as a local calendar and clock show them.
using Shown = int64_t;

/// What the clocks of a place show at each minute of the year and of the day before it, by the C library.
class LocalClock {
 public:
  explicit LocalClock(const std::string& zone) {
    ::setenv("TZ", zone.c_str(), 1);
    ::tzset();
    for (auto moment = first_minute; moment < year_end; moment += 1min) {
      const std::time_t seconds = std::chrono::seconds(moment.time_since_epoch()).count();
      std::tm fields{};
      ::localtime_r(&seconds, &fields);
      shown_.push_back((seconds + fields.tm_gmtoff) / 60);
    }
    ::unsetenv("TZ");
    ::tzset();
  }

  Shown shows(SysMinute moment) const { return shown_[static_cast<size_t>((moment - first_minute) / 1min)]; }

 private:
  std::vector<Shown> shown_;
};

bool matches(const Cron& cron, Shown local) {
  const auto in = [](const auto& set, int64_t value) { return set[static_cast<size_t>(value)]; };
  if (!in(cron.minutes, local % 60) || !in(cron.hours, local / 60 % 24)) return false;
  const std::time_t seconds = local * 60;
  std::tm fields{};
  ::gmtime_r(&seconds, &fields);
  const bool day = in(cron.days, fields.tm_mday);
  const bool week_day = in(cron.week_days, fields.tm_wday);
  return in(cron.months, fields.tm_mon + 1) &&
         (cron.any_day || cron.any_week_day ? day && week_day : day || week_day);
}

/// When the expression is due in the year: each matching local time once, at its first showing or after its
/// gap; with every hour allowed, whenever the clocks show one.
std::vector<WallTime> expected_due_times(const Cron& cron, const LocalClock& clock) {
  std::vector<WallTime> due;
  auto latest = clock.shows(first_minute);
  for (auto moment = first_minute + 1min; moment < year_end; moment += 1min) {
    const auto now = clock.shows(moment);
    bool is_due = (now > latest || cron.hours.all()) && matches(cron, now);
    for (auto skipped = latest + 1; skipped < now && !cron.hours.all(); ++skipped)
      is_due |= matches(cron, skipped);
    if (is_due && moment >= year_start) due.push_back(moment);
    latest = std::max(latest, now);
  }
  return due;
}

std::vector<WallTime> actual_due_times(const Policy& policy) {
  std::vector<WallTime> due;
  for (auto time = next_due(policy, WallTime{year_start} - 1ms); time < year_end;
       time = next_due(policy, time)) {
    if (!due.empty() && time <= due.back()) {
      ADD_FAILURE() << "went backwards at " << shown(time);
      break;
    }
    due.push_back(time);
  }
  return due;
}

class YearOfCron : public testing::TestWithParam<const char*> {};

TEST_P(YearOfCron, is_what_the_clocks_of_the_place_show) {
  const LocalClock clock(GetParam());
  for (const auto* expression :
       {"*/15 * * * *", "@hourly", "@daily", "30 2 * * *", "*/20 1-3 * * *", "0 0,23 * * sun",
        "59 23 28-31 * *", "5,35 */2 * mar,oct,apr,sep *", "30 1 1-7 * sat", "0 12 29 2 *"}) {
    const auto policy = cron_policy(expression, GetParam());
    const auto expected = expected_due_times(std::get<CronSchedule>(policy.schedule).cron, clock);
    const auto actual = actual_due_times(policy);
    ASSERT_EQ(actual.size(), expected.size()) << expression;
    for (size_t i = 0; i < actual.size(); ++i) ASSERT_EQ(shown(actual[i]), shown(expected[i])) << expression;
  }
}

TEST_P(YearOfCron, has_each_local_day_once) {
  const LocalClock clock(GetParam());
  constexpr auto minutes_a_day = minutes(std::chrono::days(1)).count();
  const auto day = [&](WallTime time) {
    return clock.shows(std::chrono::floor<minutes>(time)) / minutes_a_day;
  };
  for (const auto* expression : {"30 2 * * *", "0 0 * * *", "30 0 * * *", "30 1 * * *", "45 23 * * *"}) {
    const auto due = actual_due_times(cron_policy(expression, GetParam()));
    ASSERT_GE(due.size(), 364u) << expression;
    for (size_t i = 1; i < due.size(); ++i) ASSERT_EQ(day(due[i]), day(due[i - 1]) + 1) << shown(due[i]);
  }
}

TEST_P(YearOfCron, keeps_its_order_and_number_under_jitter) {
  for (const auto* expression : {"*/20 1-3 * * *", "0,1 2 * * *", "@daily"}) {
    const auto plain = cron_policy(expression, GetParam());
    for (const milliseconds jitter :
         {milliseconds(1), milliseconds(90s), milliseconds(2h), milliseconds(72h)}) {
      auto jittered = plain;
      jittered.jitter.time = jitter;
      const auto points = actual_due_times(plain);
      auto due = next_due(jittered, points.front() - 1ms);
      if (due < points.front()) due = next_due(jittered, due);
      for (size_t i = 0; i < points.size(); ++i) {
        ASSERT_GE(due, points[i]) << expression << " " << jitter.count();
        ASSERT_LT(due, points[i] + jitter) << expression << " " << jitter.count();
        if (i + 1 < points.size()) {
          ASSERT_LE(due, points[i + 1]);
        }
        ASSERT_EQ(next_due(jittered, due - 1ms), due);
        due = next_due(jittered, due);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(zones, YearOfCron,
                         testing::Values("Europe/Zurich", "Australia/Lord_Howe", "Africa/Casablanca",
                                         "Asia/Beirut"),
                         [](const auto& row) {
                           std::string name = row.param;
                           std::replace(name.begin(), name.end(), '/', '_');
                           return name;
                         });

}  // namespace
}  // namespace refsyncd
