#include "schedule/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "support/manual_clock.h"

namespace refsyncd {

bool operator==(const Plan::Due& a, const Plan::Due& b) { return a.key == b.key && a.at == b.at; }
void PrintTo(const Plan::Due& due, std::ostream* out) {
  *out << "key " << due.key << " at " << due.at.time_since_epoch().count();
}

namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using Due = Plan::Due;

class APlan : public testing::Test {
 protected:
  ManualClock clock;
  Plan plan;
  const WallTime start = clock.now();
};

TEST_F(APlan, is_empty_at_first) {
  EXPECT_EQ(plan.next(), WallTime::max());
  EXPECT_EQ(plan.due(7), WallTime::max());
  EXPECT_EQ(plan.size(), 0u);
  EXPECT_THAT(plan.take_due(WallTime::max()), IsEmpty());
}

TEST_F(APlan, gives_a_key_when_its_time_has_come_and_not_before) {
  plan.set(3, start + 10min);
  clock.advance(10min - 1ms);
  EXPECT_THAT(plan.take_due(clock.now()), IsEmpty());
  EXPECT_EQ(plan.next(), start + 10min);
  clock.advance(1ms);
  EXPECT_THAT(plan.take_due(clock.now()), ElementsAre(Due{3, start + 10min}));
}

TEST_F(APlan, gives_a_key_once_until_it_is_set_again) {
  plan.set(3, start);
  EXPECT_EQ(plan.take_due(start).size(), 1u);
  EXPECT_THAT(plan.take_due(start + 1h), IsEmpty());
  EXPECT_EQ(plan.due(3), WallTime::max());
  EXPECT_EQ(plan.size(), 0u);
  plan.set(3, start);
  EXPECT_THAT(plan.take_due(start), ElementsAre(Due{3, start}));
}

TEST_F(APlan, gives_the_earliest_first_and_equal_times_by_key) {
  plan.set(9, start + 1s);
  plan.set(2, start + 1s);
  plan.set(5, start);
  plan.set(1, start + 3s);
  EXPECT_THAT(plan.take_due(start + 2s), ElementsAre(Due{5, start}, Due{2, start + 1s}, Due{9, start + 1s}));
  EXPECT_EQ(plan.next(), start + 3s);
}

TEST_F(APlan, after_a_stall_gives_each_key_once_with_the_time_it_missed) {
  plan.set(1, start + 5min);
  clock.advance(24h);
  EXPECT_THAT(plan.take_due(clock.now()), ElementsAre(Due{1, start + 5min}));
}

TEST_F(APlan, moves_a_key_later) {
  plan.set(1, start + 1min);
  plan.set(1, start + 2min);
  EXPECT_EQ(plan.next(), start + 2min);
  EXPECT_EQ(plan.size(), 1u);
  EXPECT_THAT(plan.take_due(start + 1min), IsEmpty());
  EXPECT_THAT(plan.take_due(start + 2min), ElementsAre(Due{1, start + 2min}));
}

TEST_F(APlan, moves_a_key_earlier) {
  plan.set(1, start + 2min);
  plan.set(1, start + 1min);
  EXPECT_THAT(plan.take_due(start + 1h), ElementsAre(Due{1, start + 1min}));
}

TEST_F(APlan, moves_a_key_away_and_back) {
  plan.set(1, start + 1min);
  plan.set(1, start + 2min);
  plan.set(1, start + 1min);
  EXPECT_THAT(plan.take_due(start + 1h), ElementsAre(Due{1, start + 1min}));
  EXPECT_THAT(plan.take_due(start + 1h), IsEmpty());
}

TEST_F(APlan, forgets_a_removed_key) {
  plan.set(1, start);
  plan.set(2, start);
  plan.remove(1);
  plan.remove(1);
  plan.remove(1000);
  EXPECT_EQ(plan.size(), 1u);
  EXPECT_THAT(plan.take_due(start), ElementsAre(Due{2, start}));
}

TEST_F(APlan, a_time_without_end_forgets_the_key) {
  plan.set(1, start);
  plan.set(1, WallTime::max());
  plan.set(2, WallTime::max());
  EXPECT_EQ(plan.size(), 0u);
  EXPECT_EQ(plan.next(), WallTime::max());
}

TEST_F(APlan, forgets_everything_at_once) {
  for (Plan::Key key = 0; key < 100; ++key) plan.set(key, start);
  plan.clear();
  EXPECT_EQ(plan.size(), 0u);
  EXPECT_EQ(plan.due(5), WallTime::max());
  EXPECT_THAT(plan.take_due(start), IsEmpty());
}

TEST_F(APlan, stays_small_when_keys_are_set_again_and_again) {
  for (int round = 0; round < 1000; ++round) {
    for (Plan::Key key = 0; key < 100; ++key) plan.set(key, start + round * 1ms + key * 1s);
    ASSERT_LE(plan.footprint(), 2 * plan.size() + 64);
  }
  EXPECT_EQ(plan.take_due(WallTime::max()).size(), 100u);
}

TEST_F(APlan, stays_small_when_keys_go_back_and_forth_between_two_times) {
  for (int round = 0; round < 10'000; ++round) plan.set(1, start + (round % 2) * 1s);
  EXPECT_LE(plan.footprint(), 2 * plan.size() + 64);
  EXPECT_THAT(plan.take_due(start + 1h), ElementsAre(Due{1, start + 1s}));
  EXPECT_THAT(plan.take_due(start + 1h), IsEmpty());
}

TEST_F(APlan, gives_its_memory_back_when_keys_are_removed) {
  for (Plan::Key key = 0; key < 10'000; ++key) plan.set(key, start + key * 1s);
  for (Plan::Key key = 0; key < 9'990; ++key) plan.remove(key);
  EXPECT_LE(plan.footprint(), 2 * plan.size() + 64);
  EXPECT_EQ(plan.next(), start + 9'990s);
}

/// What a plan promises, in the plainest way.
class NaivePlan {
 public:
  void set(Plan::Key key, WallTime due) { due_[key] = due; }
  void remove(Plan::Key key) { due_.erase(key); }
  WallTime next() const {
    auto earliest = WallTime::max();
    for (const auto& [key, due] : due_) earliest = std::min(earliest, due);
    return earliest;
  }
  std::vector<Due> take_due(WallTime now) {
    std::vector<Due> taken;
    for (const auto& [key, due] : due_) {
      if (due <= now) taken.push_back({key, due});
    }
    for (const auto& due : taken) due_.erase(due.key);
    std::stable_sort(taken.begin(), taken.end(), [](const Due& a, const Due& b) { return a.at < b.at; });
    return taken;
  }
  size_t size() const { return due_.size(); }

 private:
  std::map<Plan::Key, WallTime> due_;
};

TEST_F(APlan, behaves_like_the_naive_one_over_random_histories) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::mt19937 random(seed);
    Plan tested;
    NaivePlan naive;
    for (int step = 0; step < 5000; ++step) {
      const Plan::Key key = random() % 20;
      const auto time = clock.now() + milliseconds(random() % 30);
      switch (random() % 8) {
        case 0:
          tested.remove(key);
          naive.remove(key);
          break;
        case 1:
          clock.advance(milliseconds(random() % 10));
          ASSERT_EQ(tested.take_due(clock.now()), naive.take_due(clock.now()))
              << "seed " << seed << " step " << step;
          break;
        default: tested.set(key, time); naive.set(key, time);
      }
      ASSERT_EQ(tested.next(), naive.next()) << "seed " << seed << " step " << step;
      ASSERT_EQ(tested.size(), naive.size());
      ASSERT_LE(tested.footprint(), 2 * tested.size() + 64);
    }
  }
}

}  // namespace
}  // namespace refsyncd
