#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "moments.h"
#include "schedule/next_due.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;

std::vector<std::string> due_times(const Policy& policy, WallTime after, size_t count) {
  std::vector<std::string> times;
  while (times.size() < count) {
    after = next_due(policy, after);
    times.push_back(shown(after));
  }
  return times;
}

struct Row {
  const char* name;
  const char* timezone;
  const char* expression;
  const char* after;  // UTC, as are the expected times
  std::vector<std::string> expected;
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.expression << " in " << row.timezone; }

class CronDue : public testing::TestWithParam<Row> {};
TEST_P(CronDue, comes_at) {
  const auto& row = GetParam();
  EXPECT_EQ(due_times(cron_policy(row.expression, row.timezone), utc(row.after), row.expected.size()),
            row.expected);
}

INSTANTIATE_TEST_SUITE_P(
    calendar, CronDue,
    testing::Values(
        Row{"a_time_itself_is_not_after_itself",
            "UTC",
            "30 8 * * *",
            "2026-01-05 08:30",
            {"2026-01-06 08:30"}},
        Row{"a_second_before_is_enough", "UTC", "30 8 * * *", "2026-01-05 08:29:59", {"2026-01-05 08:30"}},
        Row{"a_second_after_is_too_late", "UTC", "30 8 * * *", "2026-01-05 08:30:01", {"2026-01-06 08:30"}},
        Row{"quarter_hours_on_working_days",
            "UTC",
            "*/15 8-9 * * mon-fri",
            "2026-01-09 09:20",
            {"2026-01-09 09:30", "2026-01-09 09:45", "2026-01-12 08:00", "2026-01-12 08:15"}},
        Row{"into_the_next_year",
            "UTC",
            "0 0 1 1 *",
            "2026-01-01 00:00",
            {"2027-01-01 00:00", "2028-01-01 00:00"}},
        Row{"thirty_first_skips_short_months",
            "UTC",
            "0 12 31 * *",
            "2026-01-31 12:00",
            {"2026-03-31 12:00", "2026-05-31 12:00", "2026-07-31 12:00", "2026-08-31 12:00"}},
        Row{"leap_day", "UTC", "0 0 29 2 *", "2026-01-01 00:00", {"2028-02-29 00:00", "2032-02-29 00:00"}},
        Row{"leap_day_around_a_century_without_one",
            "UTC",
            "0 0 29 2 *",
            "2096-02-29 00:00",
            {"2104-02-29 00:00"}},
        Row{"a_century_with_a_leap_day", "UTC", "0 0 29 2 *", "2396-02-29 00:00", {"2400-02-29 00:00"}},
        Row{"leap_day_on_a_weekend", "UTC", "0 0 29 2 */6", "2088-02-29 00:00", {"2116-02-29 00:00"}},
        Row{"either_day_field_when_both_are_restricted",
            "UTC",
            "0 0 13 * fri",
            "2026-02-01 00:00",
            {"2026-02-06 00:00", "2026-02-13 00:00", "2026-02-20 00:00"}},
        Row{"both_day_fields_when_one_starts_with_a_star",
            "UTC",
            "0 0 */2 * mon",
            "2026-01-05 00:00",
            {"2026-01-19 00:00", "2026-02-09 00:00"}},
        Row{"before_the_epoch", "UTC", "0 0 1 1 *", "1960-06-01 00:00", {"1961-01-01 00:00"}},
        Row{"far_future", "UTC", "0 0 29 2 *", "9990-01-01 00:00", {"9992-02-29 00:00", "9996-02-29 00:00"}},
        Row{"local_time", "Asia/Kathmandu", "0 0 * * *", "2026-01-05 00:00", {"2026-01-05 18:15"}},
        Row{"the_local_week_day_counts",
            "Pacific/Auckland",
            "0 8 * * mon",
            "2026-01-04 00:00",
            {"2026-01-04 19:00"}}),
    [](const auto& row) { return row.param.name; });

// Zurich skips 02:00-03:00 on 2026-03-29 (01:00 UTC) and repeats it on 2026-10-25 (from 00:00 UTC).
INSTANTIATE_TEST_SUITE_P(zurich, CronDue,
                         testing::Values(Row{"before_during_and_after_the_gap",
                                             "Europe/Zurich",
                                             "30 2 * * *",
                                             "2026-03-27 12:00",
                                             {"2026-03-28 01:30", "2026-03-29 01:00", "2026-03-30 00:30"}},
                                         Row{"several_in_the_gap_are_due_once",
                                             "Europe/Zurich",
                                             "*/20 2 29 3 *",
                                             "2026-03-01 00:00",
                                             {"2026-03-29 01:00", "2027-03-29 00:00"}},
                                         Row{"skipped_and_regular_time_at_the_same_moment_are_one",
                                             "Europe/Zurich",
                                             "0 2,3 29 3 *",
                                             "2026-03-28 12:00",
                                             {"2026-03-29 01:00", "2027-03-29 00:00"}},
                                         Row{"regular_times_after_the_gap_still_come",
                                             "Europe/Zurich",
                                             "30 2,3 29 3 *",
                                             "2026-03-28 12:00",
                                             {"2026-03-29 01:00", "2026-03-29 01:30", "2027-03-29 00:30"}},
                                         Row{"the_last_minute_before_the_gap",
                                             "Europe/Zurich",
                                             "59 1 29 3 *",
                                             "2026-03-28 12:00",
                                             {"2026-03-29 00:59", "2027-03-28 23:59"}},
                                         Row{"twice_shown_is_once_due",
                                             "Europe/Zurich",
                                             "30 2 * * *",
                                             "2026-10-24 12:00",
                                             {"2026-10-25 00:30", "2026-10-26 01:30"}},
                                         Row{"asked_between_the_two_occurrences",
                                             "Europe/Zurich",
                                             "30 2 * * *",
                                             "2026-10-25 01:00",
                                             {"2026-10-26 01:30"}},
                                         Row{"asked_within_the_second_showing",
                                             "Europe/Zurich",
                                             "30 2 * * *",
                                             "2026-10-25 01:29:59",
                                             {"2026-10-26 01:30"}},
                                         Row{"both_sides_of_the_repeated_hour",
                                             "Europe/Zurich",
                                             "0 1-3 25 10 *",
                                             "2026-10-24 12:00",
                                             {"2026-10-24 23:00", "2026-10-25 00:00", "2026-10-25 02:00"}},
                                         Row{"quarter_hours_run_through_the_gap",
                                             "Europe/Zurich",
                                             "*/15 * * * *",
                                             "2026-03-29 00:30",
                                             {"2026-03-29 00:45", "2026-03-29 01:00", "2026-03-29 01:15"}},
                                         Row{"quarter_hours_run_through_the_repeated_hour",
                                             "Europe/Zurich",
                                             "*/15 * 25 10 *",
                                             "2026-10-25 00:30",
                                             {"2026-10-25 00:45", "2026-10-25 01:00", "2026-10-25 01:15",
                                              "2026-10-25 01:30", "2026-10-25 01:45", "2026-10-25 02:00"}},
                                         Row{"hourly_stays_hourly_over_the_repeated_hour",
                                             "Europe/Zurich",
                                             "@hourly",
                                             "2026-10-24 23:00",
                                             {"2026-10-25 00:00", "2026-10-25 01:00", "2026-10-25 02:00"}},
                                         Row{"every_hour_by_a_written_range",
                                             "Europe/Zurich",
                                             "0 0-23 * * *",
                                             "2026-10-25 00:00",
                                             {"2026-10-25 01:00"}}),
                         [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(zones, CronDue,
                         testing::Values(Row{"new_york_gap",
                                             "America/New_York",
                                             "30 2 * * *",
                                             "2026-03-07 12:00",
                                             {"2026-03-08 07:00", "2026-03-09 06:30"}},
                                         Row{"new_york_repeated_hour",
                                             "America/New_York",
                                             "30 1 * * *",
                                             "2026-10-31 12:00",
                                             {"2026-11-01 05:30", "2026-11-02 06:30"}},
                                         Row{"half_an_hour_skipped",
                                             "Australia/Lord_Howe",
                                             "15 2 * * *",
                                             "2026-10-02 18:00",
                                             {"2026-10-03 15:30", "2026-10-04 15:15"}},
                                         Row{"half_an_hour_skipped_leaves_the_other_half",
                                             "Australia/Lord_Howe",
                                             "45 2 * * *",
                                             "2026-10-02 18:00",
                                             {"2026-10-03 15:45", "2026-10-04 15:45"}},
                                         Row{"half_an_hour_repeated",
                                             "Australia/Lord_Howe",
                                             "45 1 * * *",
                                             "2026-04-03 18:00",
                                             {"2026-04-04 14:45", "2026-04-05 15:15"}},
                                         Row{"half_an_hour_not_repeated",
                                             "Australia/Lord_Howe",
                                             "15 1 * * *",
                                             "2026-04-03 18:00",
                                             {"2026-04-04 14:15", "2026-04-05 14:45"}},
                                         Row{"ten_minutes_run_through_half_an_hour",
                                             "Australia/Lord_Howe",
                                             "*/10 * * * *",
                                             "2026-04-04 14:45",
                                             {"2026-04-04 14:50", "2026-04-04 15:00", "2026-04-04 15:10",
                                              "2026-04-04 15:20", "2026-04-04 15:30", "2026-04-04 15:40"}},
                                         Row{"morocco_goes_back_before_ramadan",
                                             "Africa/Casablanca",
                                             "30 2 * * *",
                                             "2025-02-22 12:00",
                                             {"2025-02-23 01:30", "2025-02-24 02:30"}},
                                         Row{"morocco_goes_forward_after_ramadan",
                                             "Africa/Casablanca",
                                             "30 2 * * *",
                                             "2025-04-05 12:00",
                                             {"2025-04-06 02:00", "2025-04-07 01:30"}},
                                         Row{"midnight_skipped_in_sao_paulo",
                                             "America/Sao_Paulo",
                                             "@daily",
                                             "2018-11-03 12:00",
                                             {"2018-11-04 03:00", "2018-11-05 02:00"}},
                                         Row{"half_past_midnight_skipped_in_sao_paulo",
                                             "America/Sao_Paulo",
                                             "30 0 4 11 *",
                                             "2018-11-03 12:00",
                                             {"2018-11-04 03:00", "2019-11-04 03:30"}},
                                         Row{"last_hour_of_a_day_repeated_in_sao_paulo",
                                             "America/Sao_Paulo",
                                             "30 23 * * *",
                                             "2018-02-17 12:00",
                                             {"2018-02-18 01:30", "2018-02-19 02:30"}},
                                         Row{"midnight_skipped_in_beirut",
                                             "Asia/Beirut",
                                             "0 0 * * sun",
                                             "2026-03-28 12:00",
                                             {"2026-03-28 22:00", "2026-04-04 21:00"}},
                                         Row{"midnight_after_a_repeated_hour_in_beirut",
                                             "Asia/Beirut",
                                             "0 0 * * *",
                                             "2026-10-24 12:00",
                                             {"2026-10-24 22:00", "2026-10-25 22:00"}},
                                         Row{"a_day_that_never_was",
                                             "Pacific/Apia",
                                             "0 12 * * *",
                                             "2011-12-29 00:00",
                                             {"2011-12-29 22:00", "2011-12-30 10:00", "2011-12-30 22:00"}},
                                         Row{"no_change_of_clocks_at_all",
                                             "Asia/Tokyo",
                                             "30 2 * * *",
                                             "2026-03-28 18:00",
                                             {"2026-03-29 17:30"}}),
                         [](const auto& row) { return row.param.name; });

TEST(CronDue, summer_time_goes_on_in_coming_years) {
  EXPECT_EQ(due_times(cron_policy("0 12 1 7 *", "Europe/Zurich"), utc("2030-01-01 00:00"), 2),
            (std::vector<std::string>{"2030-07-01 10:00", "2031-07-01 10:00"}));
}

TEST(CronDue, waits_forty_years_for_a_leap_day_on_a_sunday) {
  auto policy = cron_policy("0 0 29 2 *");
  std::get<CronSchedule>(policy.schedule).cron.week_days = 1;
  EXPECT_EQ(due_times(policy, utc("2060-03-01 00:00"), 2),
            (std::vector<std::string>{"2088-02-29 00:00", "2128-02-29 00:00"}));
}

TEST(CronDue, never_comes_when_no_time_is_named) {
  auto policy = cron_policy("0 0 * * *");
  std::get<CronSchedule>(policy.schedule).cron = Cron{};
  EXPECT_EQ(next_due(policy, utc("2026-01-01 00:00")), WallTime::max());
  std::get<CronSchedule>(policy.schedule).cron.hours.set();
  EXPECT_EQ(next_due(policy, utc("2026-01-01 00:00")), WallTime::max());
}

TEST(CronDue, never_comes_after_the_year_9999) {
  for (const auto* zone : {"UTC", "Europe/Zurich"}) {
    EXPECT_EQ(next_due(cron_policy("@hourly", zone), WallTime::max()), WallTime::max());
    EXPECT_EQ(next_due(cron_policy("@daily", zone), WallTime::max() - 1ms), WallTime::max());
    EXPECT_LT(next_due(cron_policy("@daily", zone), WallTime::min()), utc("1970-01-01 00:00"));
  }
}

TEST(CronDue, an_unknown_zone_is_a_configuration_error) {
  try {
    next_due(cron_policy("@daily", "Europe/Atlantis"), utc("2026-01-01 00:00"));
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_config);
    EXPECT_STREQ(error.what(), "time zone 'Europe/Atlantis' is not in the system's time zone database");
  }
}

}  // namespace
}  // namespace refsyncd
