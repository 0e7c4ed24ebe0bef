#include "base/duration.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace refsyncd {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

struct Row {
  const char* name;
  std::string_view text;
  std::optional<milliseconds> expected;
};
class Durations : public testing::TestWithParam<Row> {};
TEST_P(Durations, are_read) { EXPECT_EQ(parse_duration(GetParam().text), GetParam().expected); }

INSTANTIATE_TEST_SUITE_P(
    table, Durations,
    testing::Values(Row{"seconds", "90s", 90s}, Row{"minutes", "5m", 5min},
                    Row{"hours_and_minutes", "1h30m", 90min}, Row{"milliseconds", "250ms", 250ms},
                    Row{"days", "7d", 168h}, Row{"weeks", "2w", 336h},
                    Row{"every_unit", "1w1d1h1m1s1ms", 193h + 1min + 1s + 1ms}, Row{"zero", "0s", 0ms},
                    Row{"leading_zeros", "007m", 7min}, Row{"seconds_past_a_minute", "1m90s", 150s},
                    Row{"a_hundred_years", "36500d", 876'000h}, Row{"past_a_hundred_years", "36501d", {}},
                    Row{"sum_past_a_hundred_years", "36500d1ms", {}},
                    Row{"number_too_large", "99999999999999999999s", {}},
                    Row{"product_too_large", "9223372036854775807w", {}}, Row{"empty", "", {}},
                    Row{"no_unit", "5", {}}, Row{"no_number", "m", {}}, Row{"unknown_unit", "5y", {}},
                    Row{"upper_case", "5M", {}}, Row{"trailing_number", "1h30", {}},
                    Row{"misordered", "30m1h", {}}, Row{"repeated", "1m1m", {}}, Row{"negative", "-5m", {}},
                    Row{"second_part_negative", "1h-5m", {}}, Row{"plus", "+5m", {}},
                    Row{"fraction", "1.5h", {}}, Row{"space_before", " 5m", {}},
                    Row{"space_after", "5m ", {}}, Row{"space_between", "1h 30m", {}},
                    Row{"word", "soon", {}}, Row{"zero_byte", std::string_view("5m\0", 3), {}}),
    [](const auto& row) { return row.param.name; });

struct FormatRow {
  const char* name;
  milliseconds duration;
  const char* expected;
};
class FormattedDurations : public testing::TestWithParam<FormatRow> {};
TEST_P(FormattedDurations, read_as_users_write_them) {
  EXPECT_EQ(format_duration(GetParam().duration), GetParam().expected);
}
INSTANTIATE_TEST_SUITE_P(
    table, FormattedDurations,
    testing::Values(FormatRow{"zero", 0ms, "0s"}, FormatRow{"ninety_seconds", 90s, "1m30s"},
                    FormatRow{"ninety_minutes", 90min, "1h30m"}, FormatRow{"millisecond", 1ms, "1ms"},
                    FormatRow{"two_weeks", 336h, "14d"}, FormatRow{"gap_in_the_units", 1h + 5ms, "1h5ms"},
                    FormatRow{"negative", -90s, "-1m30s"},
                    FormatRow{"longest", milliseconds::max(), "106751991167d7h12m55s807ms"},
                    FormatRow{"most_negative", milliseconds::min(), "-106751991167d7h12m55s808ms"}),
    [](const auto& row) { return row.param.name; });

TEST(Duration, is_read_back_exactly_as_written) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20'000; ++i) {
    const milliseconds duration(static_cast<int64_t>(random() % (36'500ull * 86'400'000)) >> (random() % 40));
    ASSERT_EQ(parse_duration(format_duration(duration)), duration) << format_duration(duration);
  }
}

}  // namespace
}  // namespace refsyncd
