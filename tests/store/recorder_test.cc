#include "store/recorder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "store/samples.h"
#include "support/manual_clock.h"

namespace refsyncd {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// Remembers what was written; fails while it is told to.
struct FakeStore final : Store {
  std::vector<Changes> written;
  std::optional<Error> failure;

  void write(const Changes& changes) override {
    if (failure) throw Error(*failure);
    written.push_back(changes);
  }
  std::vector<RepositoryRecord> repositories() override { return {}; }
  std::vector<PolicyState> policy_states() override { return {}; }
  void forget_policies(const std::vector<std::string>&) override {}
  std::vector<Sync> unfinished_syncs() override { return {}; }
  std::optional<Sync> sync(const std::string&) override { return {}; }
  std::vector<Sync> syncs(const SyncQuery&) override { return {}; }
  std::vector<Sync> latest_syncs(const std::vector<std::string>&) override { return {}; }
  size_t purge(WallTime, size_t) override { return 0; }
};

/// Runs tasks when the test says so.
struct Queue {
  std::deque<std::function<void()>> tasks;

  Executor executor() {
    return [this](std::function<void()> task) { tasks.push_back(std::move(task)); };
  }
  void turn() {
    for (auto now = std::exchange(tasks, {}); auto& task : now) task();
  }
};

struct GroupRecorderTest : testing::Test {
  FakeStore store;
  Queue background;
  Queue loop;
  ManualClock clock;
  std::vector<Failure> failures;
  std::vector<std::string> effects;
  GroupRecorder recorder{store, background.executor(), loop.executor(), clock,
                         [this](const Failure& failure) { failures.push_back(failure); }};

  void expect(const std::string& name) {
    recorder.when_durable([this, name] { effects.push_back(name); });
  }
  void settle() {
    for (;;) {
      while (!loop.tasks.empty() || !background.tasks.empty()) {
        loop.turn();
        background.turn();
      }
      const auto wait = recorder.next_wake() - clock.steady();
      if (wait != 250ms || store.failure) return;
      clock.advance(std::chrono::duration_cast<milliseconds>(wait));
      recorder.tick();
    }
  }
  /// Records something that cannot be written.
  void fail_to_write(const std::string& policy) {
    recorder.record(state(policy));
    expect(policy);
    settle();
  }
  static PolicyState state(const std::string& policy, int attempt = 0) {
    PolicyState state;
    state.policy = policy;
    state.attempt = attempt;
    return state;
  }
};

TEST_F(GroupRecorderTest, is_idle_and_wants_no_wakeup_at_first) {
  EXPECT_TRUE(recorder.idle());
  EXPECT_EQ(recorder.pending(), 0u);
  EXPECT_EQ(recorder.next_wake(), SteadyTime::max());
}

TEST_F(GroupRecorderTest, counts_what_it_was_given_whether_written_or_not) {
  EXPECT_EQ(recorder.records(), 0u);
  recorder.record(state("app"));
  recorder.record(state("app"));
  expect("nothing more");
  EXPECT_EQ(recorder.records(), 2u);
  settle();
  EXPECT_EQ(recorder.records(), 2u);
}

TEST_F(GroupRecorderTest, what_is_recorded_in_one_turn_is_one_group) {
  recorder.record(RepositoryRecord{.id = "r", .org = "local", .name = "app", .created_at = at(0ms)});
  recorder.record(queued_sync("s"));
  recorder.record(state("p"));
  EXPECT_EQ(recorder.pending(), 3u);
  EXPECT_FALSE(recorder.idle());
  EXPECT_TRUE(background.tasks.empty()) << "the group is still open in this turn";
  settle();
  ASSERT_EQ(store.written.size(), 1u);
  EXPECT_EQ(store.written[0].repositories.size(), 1u);
  EXPECT_EQ(store.written[0].syncs.size(), 1u);
  EXPECT_EQ(store.written[0].policies.size(), 1u);
  EXPECT_TRUE(recorder.idle());
}

TEST_F(GroupRecorderTest, an_effect_waits_until_its_record_is_durable) {
  recorder.record(state("p"));
  expect("told");
  loop.turn();
  EXPECT_THAT(effects, IsEmpty());
  background.turn();
  EXPECT_THAT(effects, IsEmpty()) << "effects run on the loop";
  EXPECT_EQ(store.written.size(), 1u);
  loop.turn();
  EXPECT_THAT(effects, ElementsAre("told"));
}

TEST_F(GroupRecorderTest, an_effect_with_nothing_unwritten_runs_on_the_next_turn) {
  expect("now");
  EXPECT_THAT(effects, IsEmpty());
  EXPECT_FALSE(recorder.idle());
  loop.turn();
  EXPECT_THAT(effects, ElementsAre("now"));
  EXPECT_TRUE(store.written.empty());
  EXPECT_TRUE(recorder.idle());
}

TEST_F(GroupRecorderTest, records_during_a_write_form_the_next_group) {
  recorder.record(state("a"));
  expect("a");
  loop.turn();
  recorder.record(state("b"));
  expect("b");
  recorder.record(state("c"));
  loop.turn();
  EXPECT_EQ(background.tasks.size(), 1u) << "one write at a time";
  background.turn();
  loop.turn();
  EXPECT_THAT(effects, ElementsAre("a"));
  settle();
  EXPECT_THAT(effects, ElementsAre("a", "b"));
  ASSERT_EQ(store.written.size(), 2u);
  EXPECT_EQ(store.written[1].policies.size(), 2u);
}

TEST_F(GroupRecorderTest, an_effect_during_a_write_waits_for_that_write_alone) {
  recorder.record(state("a"));
  loop.turn();
  expect("after a");
  loop.turn();
  EXPECT_THAT(effects, IsEmpty());
  background.turn();
  loop.turn();
  EXPECT_THAT(effects, ElementsAre("after a"));
  EXPECT_EQ(store.written.size(), 1u);
}

TEST_F(GroupRecorderTest, only_the_last_record_of_one_id_is_written) {
  auto sync = queued_sync("s");
  recorder.record(sync);
  recorder.record(state("p", 1));
  sync.status = SyncStatus::in_progress;
  recorder.record(sync);
  recorder.record(state("p", 2));
  EXPECT_EQ(recorder.pending(), 2u);
  settle();
  ASSERT_EQ(store.written.size(), 1u);
  ASSERT_EQ(store.written[0].syncs.size(), 1u);
  EXPECT_EQ(store.written[0].syncs[0].status, SyncStatus::in_progress);
  ASSERT_EQ(store.written[0].policies.size(), 1u);
  EXPECT_EQ(store.written[0].policies[0].attempt, 2);
}

TEST_F(GroupRecorderTest, effects_may_record_and_wait_again) {
  recorder.record(state("a"));
  recorder.when_durable([this] {
    effects.push_back("first");
    recorder.record(state("b"));
    recorder.when_durable([this] {
      effects.push_back("second");
      expect("third");
    });
  });
  settle();
  EXPECT_THAT(effects, ElementsAre("first", "second", "third"));
  EXPECT_EQ(store.written.size(), 2u);
  EXPECT_TRUE(recorder.idle());
}

TEST_F(GroupRecorderTest, a_failed_write_keeps_changes_and_effects_in_order_and_merges_later_ones) {
  store.failure = Error(ErrorKind::transient, "disk full");
  recorder.record(state("a", 1));
  recorder.record(state("b", 1));
  expect("first");
  loop.turn();
  recorder.record(state("a", 2));
  recorder.record(queued_sync("s"));
  expect("second");
  settle();
  EXPECT_THAT(effects, IsEmpty());
  ASSERT_EQ(failures.size(), 1u);
  EXPECT_EQ(failures[0].message, "disk full");
  EXPECT_EQ(recorder.pending(), 3u);
  EXPECT_FALSE(recorder.idle());

  store.failure.reset();
  recorder.record(state("b", 3));
  expect("third");
  clock.advance(999ms);
  recorder.tick();
  settle();
  EXPECT_TRUE(store.written.empty()) << "not before its time";
  clock.advance(1ms);
  recorder.tick();
  settle();
  ASSERT_EQ(store.written.size(), 1u);
  ASSERT_EQ(store.written[0].policies.size(), 2u);
  EXPECT_EQ(store.written[0].policies[0].attempt, 2);
  EXPECT_EQ(store.written[0].policies[1].attempt, 3);
  EXPECT_EQ(store.written[0].syncs.size(), 1u);
  EXPECT_THAT(effects, ElementsAre("first", "second", "third"));
  EXPECT_TRUE(recorder.idle());
  EXPECT_EQ(recorder.next_wake(), SteadyTime::max());
}

TEST_F(GroupRecorderTest, what_nobody_waits_for_is_written_together_a_quarter_of_a_second_later) {
  recorder.record(state("a"));
  recorder.when_durable_at_leisure([this] { effects.emplace_back("first"); });
  clock.advance(249ms);
  recorder.tick();
  recorder.record(state("b"));
  EXPECT_THAT(loop.tasks, IsEmpty());
  EXPECT_EQ(recorder.next_wake(), clock.steady() + 1ms);
  EXPECT_FALSE(recorder.idle());
  clock.advance(1ms);
  recorder.tick();
  settle();
  ASSERT_EQ(store.written.size(), 1u);
  EXPECT_EQ(store.written[0].policies.size(), 2u);
  EXPECT_THAT(effects, ElementsAre("first"));
  EXPECT_TRUE(recorder.idle());
}

TEST_F(GroupRecorderTest, what_nobody_waits_for_goes_with_what_somebody_waits_for) {
  recorder.record(state("a"));
  recorder.when_durable_at_leisure([this] { effects.emplace_back("first"); });
  expect("second");
  loop.turn();
  background.turn();
  loop.turn();
  EXPECT_THAT(effects, ElementsAre("first", "second"));
  EXPECT_EQ(recorder.next_wake(), SteadyTime::max());
}

TEST_F(GroupRecorderTest, a_lone_effect_waits_behind_a_failed_write) {
  store.failure = Error(ErrorKind::transient, "disk full");
  fail_to_write("a");
  expect("told");
  settle();
  EXPECT_THAT(effects, IsEmpty());
}

TEST_F(GroupRecorderTest, waits_between_tries_double_up_to_thirty_seconds_and_start_over_after_a_success) {
  store.failure = Error(ErrorKind::internal, "broken");
  fail_to_write("a");
  std::vector<milliseconds> waits;
  for (int i = 0; i < 7; ++i) {
    const auto wait = std::chrono::duration_cast<milliseconds>(recorder.next_wake() - clock.steady());
    waits.push_back(wait);
    clock.advance(wait);
    recorder.tick();
    settle();
  }
  EXPECT_THAT(waits, ElementsAre(1s, 2s, 4s, 8s, 16s, 30s, 30s));

  store.failure.reset();
  clock.advance(30s);
  recorder.tick();
  settle();
  EXPECT_TRUE(recorder.idle());
  store.failure = Error(ErrorKind::internal, "broken");
  fail_to_write("a");
  EXPECT_EQ(recorder.next_wake() - clock.steady(), 1s);
}

}  // namespace
}  // namespace refsyncd
