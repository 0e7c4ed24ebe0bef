#include "contract/time.h"

#include <gtest/gtest.h>

namespace refsyncd {
namespace {

using namespace std::chrono_literals;
using std::chrono::sys_days;

struct Row {
  const char* name;
  const char* text;
  std::optional<WallTime> time;
};

class ParseTime : public testing::TestWithParam<Row> {};

TEST_P(ParseTime, reads_the_time_or_refuses) { EXPECT_EQ(parse_time(GetParam().text), GetParam().time); }

constexpr WallTime monday = sys_days(2026y / 1 / 5) + 9h + 30min;

const Row rows[] = {
    {"utc", "2026-01-05T09:30:00Z", monday},
    {"milliseconds", "2026-01-05T09:30:00.123Z", monday + 123ms},
    {"one_decimal", "2026-01-05T09:30:00.1Z", monday + 100ms},
    {"nanoseconds_are_cut", "2026-01-05T09:30:00.123999999Z", monday + 123ms},
    {"lower_case", "2026-01-05t09:30:00z", monday},
    {"east", "2026-01-05T11:30:00+02:00", monday},
    {"west", "2026-01-05T01:00:00-08:30", monday},
    {"epoch", "1970-01-01T00:00:00.000Z", WallTime{}},
    {"before_the_epoch", "1969-12-31T23:59:59.999Z", WallTime{-1ms}},
    {"leap_day", "2024-02-29T00:00:00Z", sys_days(2024y / 2 / 29)},
    {"leap_second", "2016-12-31T23:59:60Z", sys_days(2017y / 1 / 1)},
    {"no_leap_day", "2026-02-29T00:00:00Z", {}},
    {"empty", "", {}},
    {"date_alone", "2026-01-05", {}},
    {"no_zone", "2026-01-05T09:30:00", {}},
    {"no_seconds", "2026-01-05T09:30Z", {}},
    {"space_instead_of_t", "2026-01-05 09:30:00Z", {}},
    {"point_without_decimals", "2026-01-05T09:30:00.Z", {}},
    {"month_13", "2026-13-05T09:30:00Z", {}},
    {"hour_24", "2026-01-05T24:00:00Z", {}},
    {"second_61", "2026-01-05T09:30:61Z", {}},
    {"negative_day", "2026-01--5T09:30:00Z", {}},
    {"negative_year", "-026-01-05T09:30:00Z", {}},
    {"year_of_five_digits", "12026-01-05T09:30:00Z", {}},
    {"offset_without_colon", "2026-01-05T11:30:00+0200", {}},
    {"something_behind", "2026-01-05T09:30:00Zulu", {}},
    {"something_before", " 2026-01-05T09:30:00Z", {}},
};

INSTANTIATE_TEST_SUITE_P(Table, ParseTime, testing::ValuesIn(rows),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(FormatTime, writes_what_javascript_writes) {
  EXPECT_EQ(format_time(monday), "2026-01-05T09:30:00.000Z");
  EXPECT_EQ(format_time(monday + 7ms), "2026-01-05T09:30:00.007Z");
  EXPECT_EQ(format_time(WallTime{-1ms}), "1969-12-31T23:59:59.999Z");
}

TEST(FormatTime, is_read_back_as_it_was) {
  for (auto time = monday; time < monday + 24h * 800; time += 24h * 9 + 3h + 41min + 59s + 617ms) {
    EXPECT_EQ(parse_time(format_time(time)), time);
  }
}

}  // namespace
}  // namespace refsyncd
