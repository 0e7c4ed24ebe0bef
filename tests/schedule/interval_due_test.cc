#include <fmt/format.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <random>

#include "moments.h"
#include "schedule/next_due.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;

const WallTime start = utc("2026-01-05 00:00");

TEST(IntervalDue, comes_on_a_grid_without_jitter) {
  const auto policy = interval_policy("app-pull", 5min);
  const auto first = next_due(policy, start);
  EXPECT_GT(first, start);
  EXPECT_LE(first, start + 5min);
  EXPECT_EQ(next_due(policy, first), first + 5min);
  EXPECT_EQ(next_due(policy, first - 1ms), first);
  EXPECT_EQ(next_due(policy, first + 5min - 1ms), first + 5min);
}

TEST(IntervalDue, stays_the_same_in_every_version) {
  const auto policy = interval_policy("app-pull", 5min, {.fraction = 0.1, .time = {}});
  EXPECT_EQ(shown(next_due(policy, start)), "2026-01-05 00:01 +25800ms");
  EXPECT_EQ(shown(next_due(policy, start + 1h)), "2026-01-05 01:01 +46000ms");
}

TEST(IntervalDue, lies_on_whole_tenths_of_a_second_so_that_policies_share_them) {
  for (const auto* name : {"a", "b", "c", "d"}) {
    const auto policy = interval_policy(name, 1s, {.fraction = 1, .time = {}});
    auto due = start;
    for (int times = 0; times < 100; ++times) {
      const auto next = next_due(policy, due);
      ASSERT_GT(next, due);
      ASSERT_EQ(next.time_since_epoch() % 100ms, 0ms) << name;
      due = next;
    }
  }
}

TEST(IntervalDue, keeps_its_grid_when_asked_late) {
  const auto policy = interval_policy("app-pull", 5min);
  const auto first = next_due(policy, start);
  EXPECT_EQ((next_due(policy, start + 1000h) - first) % 5min, 0ms);
  EXPECT_LE(next_due(policy, start + 1000h), start + 1000h + 5min);
}

TEST(IntervalDue, a_thousand_policies_do_not_fire_together) {
  for (const auto& jitter : {Jitter{.fraction = 0, .time = {}}, Jitter{.fraction = 0.1, .time = {}}}) {
    std::map<int64_t, int> by_second;
    for (int i = 0; i < 1000; ++i) {
      const auto due = next_due(interval_policy(fmt::format("repo-{}-pull", i), 5min, jitter), start);
      ++by_second[(due - start) / 1s];
    }
    EXPECT_GT(by_second.size(), 260u) << "of 300 seconds, even chances leave 289 in use";
    for (const auto& [second, count] : by_second) EXPECT_LE(count, 14) << "at second " << second;
  }
}

TEST(IntervalDue, jitter_differs_from_one_due_time_to_the_next_and_fills_its_range) {
  const auto plain = interval_policy("app-pull", 10min);
  const auto jittered = interval_policy("app-pull", 10min, {.fraction = 0.5, .time = {}});
  milliseconds least = 10min;
  milliseconds most = 0ms;
  for (auto point = next_due(plain, start); point < start + 200h; point = next_due(plain, point)) {
    const auto moved = next_due(jittered, point - 1ms) - point;
    least = std::min(least, moved);
    most = std::max(most, moved);
  }
  EXPECT_LT(least, 5s);
  EXPECT_GT(most, 5min - 5s);
  EXPECT_LT(most, 5min);
}

TEST(IntervalDue, absolute_jitter_takes_the_place_of_the_fraction) {
  const auto plain = interval_policy("app-pull", 10min);
  const auto jittered = interval_policy("app-pull", 10min, {.fraction = 0.9, .time = 2s});
  for (auto point = next_due(plain, start); point < start + 50h; point = next_due(plain, point)) {
    const auto moved = next_due(jittered, point - 1ms) - point;
    ASSERT_GE(moved, 0ms);
    ASSERT_LT(moved, 2s);
  }
}

struct JitterRow {
  const char* name;
  milliseconds interval;
  Jitter jitter;
};
class IntervalJitter : public testing::TestWithParam<JitterRow> {};

TEST_P(IntervalJitter, keeps_the_order_and_loses_no_due_time) {
  const auto& row = GetParam();
  const auto plain = interval_policy("app-pull", row.interval);
  const auto jittered = interval_policy("app-pull", row.interval, row.jitter);
  auto due = next_due(plain, start) - 1ms;
  for (int i = 0; i < 2000; ++i) {
    const auto point = next_due(plain, due);  // each due time belongs to one point of the grid, in order
    const auto next = next_due(jittered, due);
    ASSERT_GT(next, due);
    if (i > 0) {
      ASSERT_GE(next, point);
      ASSERT_LT(next, point + row.interval);
    }
    due = next;
  }
}

TEST_P(IntervalJitter, answers_the_same_wherever_between_two_due_times_it_is_asked) {
  const auto policy = interval_policy("app-pull", GetParam().interval, GetParam().jitter);
  std::mt19937_64 random(11);
  auto due = next_due(policy, start);
  for (int i = 0; i < 500; ++i) {
    const auto next = next_due(policy, due);
    const milliseconds within(static_cast<int64_t>(random() % static_cast<uint64_t>((next - due).count())));
    ASSERT_EQ(next_due(policy, due + within), next);
    ASSERT_EQ(next_due(policy, next - 1ms), next);
    due = next;
  }
}

INSTANTIATE_TEST_SUITE_P(
    table, IntervalJitter,
    testing::Values(
        JitterRow{"none", 5min, {.fraction = 0, .time = {}}},
        JitterRow{"a_tenth", 5min, {.fraction = 0.1, .time = {}}},
        JitterRow{"the_whole_interval", 5min, {.fraction = 1, .time = {}}},
        JitterRow{"more_than_the_interval", 5min, {.fraction = 7, .time = {}}},
        JitterRow{"an_hour_on_a_second", 1s, {.fraction = 0.1, .time = 1h}},
        JitterRow{"a_millisecond", 1ms, {.fraction = 1, .time = {}}},
        JitterRow{"not_a_number", 5min, {.fraction = std::numeric_limits<double>::quiet_NaN(), .time = {}}},
        JitterRow{"negative", 5min, {.fraction = -1, .time = {}}},
        JitterRow{"two_years", 17'520h, {.fraction = 0.1, .time = {}}}),
    [](const auto& row) { return row.param.name; });

TEST(IntervalDue, holds_at_the_ends_of_time) {
  const auto policy = interval_policy("app-pull", 5min, {.fraction = 1, .time = {}});
  EXPECT_EQ(next_due(policy, WallTime::max()), WallTime::max());
  EXPECT_EQ(next_due(policy, WallTime::max() - 1ms), WallTime::max());
  EXPECT_GT(next_due(policy, WallTime::min()), WallTime::min());
  EXPECT_GT(next_due(policy, WallTime{} - 1ms), WallTime{} - 1ms);
  EXPECT_GT(next_due(policy, utc("1900-01-01 00:00")), utc("1900-01-01 00:00"));
  EXPECT_LE(next_due(policy, utc("1900-01-01 00:00")), utc("1900-01-01 00:10"));
}

TEST(IntervalDue, an_interval_of_nothing_still_moves_on) {
  EXPECT_EQ(next_due(interval_policy("app-pull", 0ms), start), start + 1ms);
  EXPECT_EQ(next_due(interval_policy("app-pull", -5min), start), start + 1ms);
}

TEST(StaleAt, is_the_time_set_after_the_last_success) {
  auto policy = interval_policy("app-pull", 5min);
  policy.stale_after = 2h;
  EXPECT_EQ(stale_at(policy, start), start + 2h);
}

TEST(StaleAt, allows_three_due_times_and_a_timeout_by_default) {
  auto policy = interval_policy("app-pull", 5min);
  policy.timeout = 10min;
  const auto third = next_due(policy, next_due(policy, next_due(policy, start)));
  EXPECT_EQ(stale_at(policy, start), third + 10min);
}

TEST(StaleAt, follows_the_calendar) {
  auto policy = cron_policy("0 8 * * mon-fri");
  policy.timeout = 30min;
  EXPECT_EQ(shown(stale_at(policy, utc("2026-01-09 08:01"))), "2026-01-14 08:30");
}

TEST(StaleAt, never_comes_for_a_policy_that_is_never_due_again) {
  EXPECT_EQ(stale_at(cron_policy("@daily"), utc("9999-12-30 12:00")), WallTime::max());
  auto policy = interval_policy("app-pull", 5min);
  policy.stale_after = 876'000h;
  EXPECT_EQ(stale_at(policy, WallTime::max()), WallTime::max());
}

}  // namespace
}  // namespace refsyncd
