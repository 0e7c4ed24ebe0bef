#include "local/maintenance_rounds.h"

#include <gtest/gtest.h>

#include <map>

#include "support/manual_clock.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;

class RoundsOfMaintenance : public testing::Test {
 protected:
  Moment now() const { return {.wall = clock_.wall, .steady = clock_.monotonic}; }
  /// Walks through the time, minute by minute, and returns how often each repository was taken.
  std::map<std::string, int> walk(std::chrono::minutes span) {
    std::map<std::string, int> taken;
    for (auto left = span; left > 0min; left -= 1min) {
      clock_.advance(1min);
      while (const auto repo = rounds_.take(now())) ++taken[*repo];
    }
    return taken;
  }

  ManualClock clock_;
  MaintenanceRounds rounds_;
};

TEST_F(RoundsOfMaintenance, come_to_each_repository_once_a_day) {
  for (int i = 0; i < 100; ++i) rounds_.know("repo-" + std::to_string(i), now());
  const auto taken = walk(24h);
  EXPECT_EQ(taken.size(), 100u);
  for (const auto& [repo, times] : taken) EXPECT_EQ(times, 1) << repo;
}

TEST_F(RoundsOfMaintenance, spread_many_repositories_over_the_day) {
  for (int i = 0; i < 240; ++i) rounds_.know("repo-" + std::to_string(i), now());
  for (int hour = 0; hour < 24; ++hour) {
    const auto taken = walk(1h).size();
    EXPECT_GE(taken, 1u) << hour;
    EXPECT_LE(taken, 30u) << hour;
  }
}

TEST_F(RoundsOfMaintenance, come_at_the_same_time_of_day_after_a_restart) {
  rounds_.know("app", now());
  const auto first = clock_.wall + (rounds_.next() - clock_.monotonic);
  clock_.advance(5h);
  MaintenanceRounds after_restart;
  after_restart.know("app", now());
  const auto second = clock_.wall + (after_restart.next() - clock_.monotonic);
  EXPECT_EQ((second - first) % 24h, 0ms);
}

TEST_F(RoundsOfMaintenance, come_within_the_hour_to_what_has_changed) {
  rounds_.know("app", now());
  walk(24h);
  const auto was = rounds_.next();
  rounds_.changed("app", now());
  EXPECT_LE(rounds_.next(), std::min(was, clock_.monotonic + 1h));
  EXPECT_EQ(walk(1h)["app"], 1);
}

TEST_F(RoundsOfMaintenance, come_at_once_after_fifty_changes_but_not_again_within_ten_minutes) {
  rounds_.know("app", now());
  const auto change_often = [&] {
    for (int i = 0; i < 50; ++i) rounds_.changed("app", now());
  };
  change_often();
  EXPECT_EQ(rounds_.take(now()), "app");
  change_often();
  EXPECT_EQ(rounds_.take(now()), std::nullopt);
  clock_.advance(10min);
  EXPECT_EQ(rounds_.take(now()), "app");
}

TEST_F(RoundsOfMaintenance, come_back_to_what_was_interrupted) {
  rounds_.know("app", now());
  clock_.advance(24h);
  ASSERT_EQ(rounds_.take(now()), "app");
  rounds_.again("app", clock_.monotonic + 15min);
  EXPECT_EQ(rounds_.next(), clock_.monotonic + 15min);
}

TEST_F(RoundsOfMaintenance, leave_out_what_is_forgotten) {
  rounds_.know("app", now());
  rounds_.forget("app");
  rounds_.forget("never known");
  EXPECT_EQ(rounds_.next(), SteadyTime::max());
}

TEST_F(RoundsOfMaintenance, keep_their_pace_when_the_clock_jumps) {
  rounds_.know("app", now());
  const auto next = rounds_.next();
  clock_.wall -= 24h * 365;
  EXPECT_EQ(rounds_.next(), next);
}

}  // namespace
}  // namespace refsyncd
