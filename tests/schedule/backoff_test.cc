#include "schedule/backoff.h"

#include <gtest/gtest.h>

#include <limits>

namespace refsyncd {
namespace {

using namespace std::chrono_literals;

struct Row {
  const char* name;
  int failures;
  std::optional<milliseconds> asked;
  double roll;
  milliseconds expected;
};
class Backoff : public testing::TestWithParam<Row> {};
TEST_P(Backoff, waits) {
  const RetryRule rule{.attempts = 5, .first = 2s, .max = 5min};
  EXPECT_EQ(backoff(rule, GetParam().failures, GetParam().asked, GetParam().roll), GetParam().expected);
}

constexpr double almost_one = 0x1.fffffffffffffp-1;
INSTANTIATE_TEST_SUITE_P(
    table, Backoff,
    testing::Values(Row{"first_failure_waits_at_least_half", 1, {}, 0.0, 1s},
                    Row{"first_failure_in_the_middle", 1, {}, 0.5, 1500ms},
                    Row{"first_failure_stays_below_the_whole", 1, {}, almost_one, 1999ms},
                    Row{"second_failure_doubles", 2, {}, 0.0, 2s},
                    Row{"third_failure_doubles_again", 3, {}, 0.0, 4s},
                    Row{"eighth_failure_is_below_the_ceiling", 8, {}, 0.0, 128s},
                    Row{"ninth_failure_meets_the_ceiling", 9, {}, 0.0, 150s},
                    Row{"the_ceiling_holds", 1000, {}, almost_one, 299'999ms},
                    Row{"any_number_of_failures", std::numeric_limits<int>::max(), {}, 0.0, 150s},
                    Row{"no_failure_counts_as_one", 0, {}, 0.0, 1s},
                    Row{"negative_counts_as_one", -5, {}, 0.0, 1s},
                    Row{"a_wish_is_a_floor", 1, 60s, 0.0, 60s},
                    Row{"a_tenth_of_the_wish_is_rolled_on_top", 1, 60s, 0.5, 63s},
                    Row{"a_wish_is_not_cut_by_the_ceiling", 1, 1h, 0.0, 1h},
                    Row{"our_own_wait_holds_when_it_is_longer", 9, 60s, 0.0, 150s},
                    Row{"a_wish_of_nothing_changes_nothing", 1, 0ms, 0.5, 1500ms},
                    Row{"a_negative_wish_changes_nothing", 1, -1h, 0.5, 1500ms},
                    Row{"an_absurd_wish_is_a_year", 1, milliseconds::max(), 0.0, 8760h},
                    Row{"a_roll_below_the_die", 1, {}, -3.0, 1s}, Row{"a_roll_above_the_die", 1, {}, 3.0, 2s},
                    Row{"a_roll_that_is_no_number", 1, {}, std::numeric_limits<double>::quiet_NaN(), 1s}),
    [](const auto& row) { return row.param.name; });

TEST(BackoffRule, a_first_wait_above_the_ceiling_is_cut_to_it) {
  EXPECT_EQ(backoff({.attempts = 5, .first = 1h, .max = 1min}, 1, {}, 0.0), 30s);
}

TEST(BackoffRule, no_wait_stays_no_wait) {
  EXPECT_EQ(backoff({.attempts = 5, .first = 0s, .max = 1min}, 50, {}, 0.9), 0s);
}

TEST(BackoffRule, a_ceiling_without_end_is_reached_without_overflow) {
  const RetryRule rule{.attempts = 5, .first = 1ms, .max = milliseconds::max()};
  EXPECT_EQ(backoff(rule, 1000, {}, 0.0), milliseconds::max() / 2);
}

struct AwayRow {
  const char* name;
  ErrorKind kind;
  int failures;
  milliseconds expected;
};
class StayAway : public testing::TestWithParam<AwayRow> {};
TEST_P(StayAway, lasts) { EXPECT_EQ(stay_away(GetParam().kind, GetParam().failures), GetParam().expected); }
INSTANTIATE_TEST_SUITE_P(
    table, StayAway,
    testing::Values(AwayRow{"first_refusal", ErrorKind::auth, 1, 1min},
                    AwayRow{"second_refusal", ErrorKind::auth, 2, 2min},
                    AwayRow{"sixth_refusal", ErrorKind::auth, 6, 32min},
                    AwayRow{"seventh_refusal_meets_the_hour", ErrorKind::auth, 7, 1h},
                    AwayRow{"the_hour_holds", ErrorKind::auth, 1'000'000, 1h},
                    AwayRow{"missing", ErrorKind::not_found, 1, 1min},
                    AwayRow{"untrusted", ErrorKind::untrusted, 3, 4min},
                    AwayRow{"bad_config", ErrorKind::bad_config, 1, 1min},
                    AwayRow{"transient_does_not_stay_away", ErrorKind::transient, 9, 0ms},
                    AwayRow{"throttled_does_not_stay_away", ErrorKind::throttled, 9, 0ms},
                    AwayRow{"internal_does_not_stay_away", ErrorKind::internal, 9, 0ms}),
    [](const auto& row) { return row.param.name; });

TEST(StayAwayRule, agrees_with_what_is_worth_retrying_soon) {
  for (const auto kind : all_error_kinds)
    EXPECT_EQ(stay_away(kind, 1) == 0ms, worth_retrying_soon(kind)) << to_string(kind);
}

struct HintRow {
  const char* name;
  RetryRule rule;
  int failed_runs;
  milliseconds expected;
};
class A_hint_left_over : public testing::TestWithParam<HintRow> {};
TEST_P(A_hint_left_over, waits) {
  EXPECT_EQ(hint_wait(GetParam().rule, GetParam().failed_runs, 0.0), GetParam().expected);
}
INSTANTIATE_TEST_SUITE_P(
    table, A_hint_left_over,
    testing::Values(HintRow{"first_failed_run", {}, 1, 1min}, HintRow{"third_failed_run", {}, 3, 4min},
                    HintRow{"the_hour_holds", {}, 1'000'000, 1h},
                    HintRow{"as_long_as_one_more_attempt", {.attempts = 3, .first = 1h, .max = 24h}, 1, 2h}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace refsyncd
