#include "model/cron.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace refsyncd {
namespace {

Cron parsed(std::string_view expression) {
  Cron cron;
  CronProblem problem;
  EXPECT_TRUE(parse_cron(expression, cron, problem)) << expression << ": " << problem.message;
  return cron;
}

template <size_t N>
std::vector<int> members(const std::bitset<N>& set) {
  std::vector<int> values;
  for (size_t i = 0; i < N; ++i) {
    if (set[i]) values.push_back(static_cast<int>(i));
  }
  return values;
}

struct FieldRow {
  const char* name;
  const char* minutes;
  std::vector<int> expected;
};
class CronMinutes : public testing::TestWithParam<FieldRow> {};
TEST_P(CronMinutes, are_read) {
  EXPECT_EQ(members(parsed(std::string(GetParam().minutes) + " * * * *").minutes), GetParam().expected);
}
INSTANTIATE_TEST_SUITE_P(
    table, CronMinutes,
    testing::Values(FieldRow{"one_value", "7", {7}}, FieldRow{"leading_zero", "07", {7}},
                    FieldRow{"first_and_last", "0,59", {0, 59}},
                    FieldRow{"list_in_any_order", "30,5,30", {5, 30}},
                    FieldRow{"range", "10-13", {10, 11, 12, 13}}, FieldRow{"range_of_one", "10-10", {10}},
                    FieldRow{"step", "*/15", {0, 15, 30, 45}},
                    FieldRow{"step_that_does_not_divide", "*/25", {0, 25, 50}},
                    FieldRow{"step_over_a_range", "10-30/10", {10, 20, 30}},
                    FieldRow{"range_ends_between_steps", "10-29/10", {10, 20}},
                    FieldRow{"list_of_everything", "1,10-12,40-59/10", {1, 10, 11, 12, 40, 50}}),
    [](const auto& row) { return row.param.name; });

TEST(Cron, reads_each_field_into_its_own_set) {
  const auto cron = parsed("1 2 3 4 5");
  EXPECT_EQ(members(cron.minutes), std::vector{1});
  EXPECT_EQ(members(cron.hours), std::vector{2});
  EXPECT_EQ(members(cron.days), std::vector{3});
  EXPECT_EQ(members(cron.months), std::vector{4});
  EXPECT_EQ(members(cron.week_days), std::vector{5});
  EXPECT_FALSE(cron.any_day);
  EXPECT_FALSE(cron.any_week_day);
}

TEST(Cron, a_star_takes_the_whole_field_and_nothing_outside_it) {
  const auto cron = parsed("* * * * *");
  EXPECT_TRUE(cron.minutes.all() && cron.hours.all() && cron.week_days.all());
  EXPECT_EQ(cron.days.count(), 31u);
  EXPECT_FALSE(cron.days[0]);
  EXPECT_EQ(cron.months.count(), 12u);
  EXPECT_FALSE(cron.months[0]);
  EXPECT_TRUE(cron.any_day);
  EXPECT_TRUE(cron.any_week_day);
}

TEST(Cron, a_day_field_that_starts_with_a_star_counts_as_unrestricted) {
  EXPECT_TRUE(parsed("0 0 */2 * mon").any_day);
  EXPECT_TRUE(parsed("0 0 1 * */2").any_week_day);
  EXPECT_FALSE(parsed("0 0 1-31 * mon").any_day);
}

struct SameRow {
  const char* name;
  const char* written;
  const char* means;
};
class CronNotation : public testing::TestWithParam<SameRow> {};
TEST_P(CronNotation, means_the_same) { EXPECT_EQ(parsed(GetParam().written), parsed(GetParam().means)); }
INSTANTIATE_TEST_SUITE_P(
    table, CronNotation,
    testing::Values(SameRow{"month_names", "0 0 1 jan,mar-may *", "0 0 1 1,3,4,5 *"},
                    SameRow{"names_in_any_case", "0 0 1 JAN Mon-FRI", "0 0 1 1 1-5"},
                    SameRow{"seven_is_sunday", "0 0 * * 7", "0 0 * * 0"},
                    SameRow{"range_up_to_seven", "0 0 * * 5-7", "0 0 * * 0,5,6"},
                    SameRow{"zero_to_seven_is_every_day", "0 0 * * 0-7", "0 0 * * 0-6"},
                    SameRow{"range_from_seven", "0 0 * * 7-2", "0 0 * * 0-2"},
                    SameRow{"weekend_by_name", "0 0 * * fri-sun", "0 0 * * 5,6,0"},
                    SameRow{"week_by_name", "0 0 * * mon-sun", "0 0 * * 1-7"},
                    SameRow{"step_over_names", "0 0 * * mon-fri/2", "0 0 * * 1,3,5"},
                    SameRow{"step_over_week_days", "0 0 * * 1-7/3", "0 0 * * 1,4,0"},
                    SameRow{"tabs_and_spaces", " \t0  0\t* *   * ", "0 0 * * *"},
                    SameRow{"hourly", "@hourly", "0 * * * *"}, SameRow{"daily", "@daily", "0 0 * * *"},
                    SameRow{"midnight", "@midnight", "0 0 * * *"}, SameRow{"weekly", "@weekly", "0 0 * * 0"},
                    SameRow{"monthly", "@monthly", "0 0 1 * *"}, SameRow{"yearly", "@yearly", "0 0 1 1 *"},
                    SameRow{"annually", "@annually", "0 0 1 1 *"},
                    SameRow{"shorthand_in_any_case", " @Daily ", "0 0 * * *"}),
    [](const auto& row) { return row.param.name; });

struct ProblemRow {
  const char* name;
  std::string expression;
  size_t column;
  const char* message;
};
class CronProblems : public testing::TestWithParam<ProblemRow> {};
TEST_P(CronProblems, say_where_and_what_to_write) {
  Cron cron;
  CronProblem problem;
  ASSERT_FALSE(parse_cron(GetParam().expression, cron, problem));
  EXPECT_EQ(problem.message, GetParam().message);
  EXPECT_EQ(problem.column, GetParam().column);
}

constexpr auto five_fields = "expected five fields: minute hour day-of-month month day-of-week";
INSTANTIATE_TEST_SUITE_P(
    table, CronProblems,
    testing::Values(
        ProblemRow{"empty", "", 0, five_fields}, ProblemRow{"only_space", "  ", 2, five_fields},
        ProblemRow{"too_few_fields", "0 0 * *", 7, five_fields},
        ProblemRow{"too_many_fields", "0 0 0 * * *", 10,
                   "expected five fields: minute hour day-of-month month day-of-week; found 6 (seconds and "
                   "years are "
                   "not supported)"},
        ProblemRow{"not_a_minute", "soon * * * *", 0,
                   "'soon' is not a minute; write 0-59, a list, a range or a step"},
        ProblemRow{"minute_too_large", "60 * * * *", 0,
                   "'60' is not a minute; write 0-59, a list, a range or a step"},
        ProblemRow{"huge_number", "99999999999999999999 * * * *", 0,
                   "'99999999999999999999' is not a minute; write 0-59, a list, a range or a step"},
        ProblemRow{"negative", "-5 * * * *", 0,
                   "'-5' is not a minute; write 0-59, a list, a range or a step"},
        ProblemRow{"range_without_an_end", "5- * * * *", 0,
                   "'5-' is not a minute; write 0-59, a list, a range or a step"},
        ProblemRow{"range_of_three", "1-2-3 * * * *", 2,
                   "'2-3' is not a minute; write 0-59, a list, a range or a step"},
        ProblemRow{"hour_too_large", "0 24 * * *", 2,
                   "'24' is not an hour; write 0-23, a list, a range or a step"},
        ProblemRow{"day_zero", "0 0 0 * *", 4,
                   "'0' is not a day of the month; write 1-31, a list, a range or a step"},
        ProblemRow{"month_thirteen", "0 0 1 13 *", 6,
                   "'13' is not a month; write 1-12 or jan-dec, a list, a range or a step"},
        ProblemRow{"long_month_name", "0 0 1 january *", 6,
                   "'january' is not a month; write 1-12 or jan-dec, a list, a range or a step"},
        ProblemRow{"week_day_eight", "0 0 * * 8", 8,
                   "'8' is not a day of the week; write 0-7 or sun-sat, a list, a range or a step"},
        ProblemRow{"name_in_the_wrong_field", "0 0 mon * *", 4,
                   "'mon' is not a day of the month; write 1-31, a list, a range or a step"},
        ProblemRow{"second_entry_of_a_list", "0,5,x * * * *", 4,
                   "'x' is not a minute; write 0-59, a list, a range or a step"},
        ProblemRow{"empty_entry", "1,,2 * * * *", 2,
                   "an entry of the list of minutes is empty; remove the comma"},
        ProblemRow{"trailing_comma", "1, * * * *", 2,
                   "an entry of the list of minutes is empty; remove the comma"},
        ProblemRow{"backwards", "0 18-8 * * *", 2, "range 18-8 runs backwards; write 18-23,0-8"},
        ProblemRow{"backwards_names", "0 0 * * fri-mon", 8,
                   "range fri-mon runs backwards; write fri-sat,sun-mon"},
        ProblemRow{"backwards_months", "0 0 1 nov-jan *", 6,
                   "range nov-jan runs backwards; write nov-dec,jan"},
        ProblemRow{"backwards_week_days", "0 0 * * 5-1", 8, "range 5-1 runs backwards; write 5-6,0-1"},
        ProblemRow{"step_zero", "*/0 * * * *", 2, "step 0 never moves on; write 1 or more"},
        ProblemRow{"step_that_leaves_one_value", "*/90 * * * *", 2,
                   "step 90 leaves only one minute, 0; write 0 or a smaller step"},
        ProblemRow{"no_step", "*/ * * * *", 0,
                   "'' is not a step; write a number after the slash, as in */15"},
        ProblemRow{"step_is_a_word", "*/x * * * *", 2,
                   "'x' is not a step; write a number after the slash, as in */15"},
        ProblemRow{"two_steps", "*/2/3 * * * *", 2,
                   "'2/3' is not a step; write a number after the slash, as in */15"},
        ProblemRow{"step_without_a_range", "5/15 * * * *", 0,
                   "the step in '5/15' needs a range; write 5-59/15"},
        ProblemRow{"unknown_shorthand", "@hourli", 0, "'@hourli' is not known; did you mean @hourly?"},
        ProblemRow{"reboot", "@reboot", 0,
                   "'@reboot' is not known; write five fields or one of @hourly, @daily, @weekly, @monthly, "
                   "@yearly"},
        ProblemRow{"every", "@every 5m", 0,
                   "'@every' is not a time of the calendar; write `every: 5m` instead of cron"},
        ProblemRow{"last_day", "0 0 L * *", 4,
                   "'L' is an extension of other schedulers that is not supported; write numbers, names, "
                   "lists, ranges "
                   "and steps as in crontab(5)"},
        ProblemRow{"hostile_bytes", std::string("\x1b[31m\xff * * * *"), 0,
                   "'\\x1b[31m\\xff' is not a minute; write 0-59, a list, a range or a step"},
        ProblemRow{"a_zero_byte", std::string("1\0 * * * *", 10), 0,
                   "'1\\x00' is not a minute; write 0-59, a list, a range or a step"},
        ProblemRow{"thirty_one_february", "30 2 31 2 *", 5,
                   "is never due: no 31 of month 2 exists; write a day that the month has"},
        ProblemRow{"thirty_february_by_name", "0 0 30 feb *", 4,
                   "is never due: no 30 of month feb exists; write a day that the month has"},
        ProblemRow{"short_months", "0 0 31 4,6,9,nov *", 4,
                   "is never due: no 31 of month 4,6,9,nov exists; write a day that the month has"}),
    [](const auto& row) { return row.param.name; });

TEST(Cron, refuses_every_extension_of_the_day_fields) {
  for (const auto* expression :
       {"0 0 L * *", "0 0 LW * *", "0 0 15W * *", "0 0 L-3 * *", "0 0 ? * mon", "0 0 * * 5L", "0 0 * * friL",
        "0 0 * * MON#2", "0 0 * * L", "H * * * *", "H(0-9) * * * *"}) {
    Cron cron;
    CronProblem problem;
    EXPECT_FALSE(parse_cron(expression, cron, problem)) << expression;
    EXPECT_NE(problem.message.find("extension of other schedulers"), std::string::npos) << expression;
  }
}

TEST(Cron, accepts_what_is_due_now_and_then) {
  for (const auto* expression :
       {"0 0 29 2 *", "0 0 29 feb */6", "30 2 31 2 mon", "0 0 31 2,3 *", "0 0 31 * *"}) {
    parsed(expression);
  }
}

TEST(Cron, a_problem_leaves_the_old_value_alone) {
  auto cron = parsed("@daily");
  CronProblem problem;
  EXPECT_FALSE(parse_cron("1 2 3 4 x", cron, problem));
  EXPECT_EQ(cron, parsed("@daily"));
}

TEST(Cron, survives_every_short_text_over_its_own_alphabet) {
  constexpr std::string_view alphabet = "*/-,059 @LWm\xff";
  for (size_t code = 0; code < alphabet.size() * alphabet.size() * alphabet.size(); ++code) {
    std::string text;
    for (auto rest = code; text.size() < 3; rest /= alphabet.size()) text += alphabet[rest % alphabet.size()];
    for (const auto& expression : {text, text + " * * * *", "* * * * " + text}) {
      Cron cron;
      CronProblem problem;
      if (!parse_cron(expression, cron, problem)) {
        ASSERT_FALSE(problem.message.empty()) << expression;
        ASSERT_LE(problem.column, expression.size()) << expression;
      } else {
        ASSERT_TRUE(cron.minutes.any() && cron.hours.any() && cron.months.any() && cron.week_days.any())
            << expression;
      }
    }
  }
}

TEST(TimeZone, is_known_by_its_database_name) {
  EXPECT_TRUE(known_time_zone("UTC"));
  EXPECT_TRUE(known_time_zone("Europe/Zurich"));
  EXPECT_TRUE(known_time_zone("America/Argentina/Buenos_Aires"));
}

TEST(TimeZone, is_unknown_when_the_database_does_not_list_it) {
  for (const auto* name : {"", "Europe/Zürich", "Europe/Atlantis", "europe/zurich ", "../../etc/passwd",
                           "/etc/passwd", "Europe", "zone.tab", "tzdata.zi", "leapseconds"}) {
    EXPECT_FALSE(known_time_zone(name)) << name;
  }
}

}  // namespace
}  // namespace refsyncd
