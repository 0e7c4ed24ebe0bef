#include "schedule/adaptive.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

#include "moments.h"
#include "schedule/next_due.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;

struct Row {
  const char* name;
  milliseconds quiet;
  milliseconds interval;
  Adaptive adaptive = {.min = 30s, .max = 1h};
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }
class AdaptiveInterval : public testing::TestWithParam<Row> {};

TEST_P(AdaptiveInterval, follows_the_quiet_time) {
  EXPECT_EQ(adaptive_interval(GetParam().adaptive, GetParam().quiet), GetParam().interval);
}

INSTANTIATE_TEST_SUITE_P(QuietTimes, AdaptiveInterval,
                         testing::Values(Row{"just_changed", 0s, 30s}, Row{"five_minutes", 5min, 30s},
                                         Row{"just_before_it_doubles", 10min - 1ms, 30s},
                                         Row{"ten_minutes", 10min, 1min}, Row{"twenty_minutes", 20min, 2min},
                                         Row{"half_an_hour", 30min, 2min}, Row{"five_hours", 5h, 16min},
                                         Row{"just_before_the_longest", 10h - 1ms, 32min},
                                         Row{"ten_hours", 10h, 1h}, Row{"a_week", 24h * 7, 1h},
                                         Row{"a_century", 24h * 36'500, 1h}, Row{"clock_set_back", -1h, 30s},
                                         Row{"fixed", 24h, 1min, {.min = 1min, .max = 1min}},
                                         Row{"nothing_given", 1h, 1ms, {}}),
                         [](const auto& row) { return std::string(row.param.name); });

Policy adaptive_policy(const std::string& name, Jitter jitter = {.fraction = 0, .time = {}}) {
  auto policy = interval_policy(name, 0s, jitter);
  policy.schedule = Adaptive{.min = 30s, .max = 1h};
  return policy;
}

const WallTime start = utc("2026-01-05 00:00");

TEST(AdaptiveDue, comes_at_the_shortest_interval_while_nothing_is_known) {
  const auto policy = adaptive_policy("app-pull");
  const auto first = next_due(policy, start);
  EXPECT_EQ(next_due(policy, first) - first, 30s);
}

TEST(AdaptiveDue, keeps_to_one_grid_while_the_interval_doubles) {
  const auto policy = adaptive_policy("app-pull");
  const auto shortest = next_due(policy, start);
  for (auto quiet = 0s; quiet < 9h; quiet += 7min) {
    const auto due = next_due(policy, start + quiet, start);
    EXPECT_EQ((due - shortest) % 30s, 0ms) << quiet.count();
    EXPECT_LE(due - (start + quiet), std::max<milliseconds>(30s, quiet / 10)) << quiet.count();
  }
}

TEST(AdaptiveDue, spreads_policies_over_the_interval) {
  std::set<int64_t> seconds;
  for (int i = 0; i < 1000; ++i) {
    const auto due = next_due(adaptive_policy(fmt::format("repo-{}-pull", i)), start, start - 24h * 7);
    EXPECT_LE(due - start, 1h);
    seconds.insert((due - start) / 1s);
  }
  EXPECT_GT(seconds.size(), 800u) << "of 3600 seconds, even chances use 873";
}

TEST(AdaptiveDue, is_moved_by_jitter_within_its_interval) {
  const auto jittered = adaptive_policy("app-pull", {.fraction = 1, .time = {}});
  auto due = start;
  for (int i = 0; i < 1000; ++i) {
    const auto next = next_due(jittered, due, start - 24h * 7);
    EXPECT_LT(next - due, 2h);
    EXPECT_GT(next, due);
    due = next;
  }
}

TEST(StaleAt, of_an_adaptive_policy_follows_its_interval) {
  const auto policy = adaptive_policy("app-pull");
  EXPECT_LE(stale_at(policy, start, start), start + 90s + policy.timeout);
  EXPECT_GT(stale_at(policy, start, start - 24h * 7), start + 2h + policy.timeout);
}

}  // namespace
}  // namespace refsyncd
