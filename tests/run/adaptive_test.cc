// How often a policy with an adaptive interval is asked for, on a clock turned by hand.
#include <gtest/gtest.h>

#include "run/runner.h"
#include "support/fakes.h"
#include "support/manual_clock.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;

Policy adaptive() {
  Policy policy;
  policy.name = policy.repo = "app";
  policy.schedule = Adaptive{.min = 1min, .max = 1h};
  policy.jitter = {.fraction = 0, .time = {}};
  return policy;
}

/// A policy and an upstream that changes when the test says so; each run sees at once what there is.
struct Bench {
  ManualClock clock;
  FakeService service;
  MemoryRecorder recorder;
  RecordingObserver observer;
  std::optional<Runner> runner;
  bool changed = true;
  std::vector<WallTime> runs;
  std::vector<milliseconds> delays;  // from a change to the run that saw it
  WallTime changed_at = clock.now();

  Bench() { start({}); }
  void start(std::vector<PolicyState> states) {
    runner.emplace(clock, service, recorder, observer, [] { return 0.5; });
    service.set_listener(*runner);
    runner->configure({adaptive()}, std::move(states));
  }
  void change() {
    changed = true;
    changed_at = clock.now();
  }
  void step() {
    runner->tick();
    recorder.settle();
    if (service.requests.size() == runs.size()) return;
    runs.push_back(clock.now());
    service.accept();
    Sync sync;
    sync.id = "sync-" + std::to_string(runs.size());
    sync.status = SyncStatus::completed;
    sync.finished_at = clock.now();
    RefResult ref;
    ref.outcome = changed ? Outcome::updated : Outcome::unchanged;
    sync.refs = std::make_shared<RefResults>(RefResults{ref});
    if (std::exchange(changed, false)) delays.push_back(clock.now() - changed_at);
    runner->sync_changed(sync);
  }
  /// Lets time pass, a second at a time.
  void pass(milliseconds length) {
    for (const auto end = clock.now() + length; clock.now() < end; clock.advance(1s)) step();
  }
  size_t runs_within(milliseconds length) {
    const auto before = runs.size();
    pass(length);
    return runs.size() - before;
  }
};

TEST(An_adaptive_policy, that_changes_every_ten_minutes_is_looked_at_about_each_minute) {
  Bench bench;
  size_t looks = 0;
  for (int i = 0; i < 36; ++i) {
    looks += bench.runs_within(10min);
    bench.change();
  }
  EXPECT_GE(looks, 36u * 9);
  EXPECT_LE(looks, 36u * 11);
  for (const auto delay : bench.delays) EXPECT_LE(delay, 61s);
}

TEST(An_adaptive_policy, that_is_quiet_for_a_week_is_looked_at_at_the_longest_interval) {
  Bench bench;
  bench.pass(24h * 7);
  EXPECT_EQ(bench.runs_within(24h), 24u);
}

TEST(An_adaptive_policy, is_looked_at_at_the_shortest_interval_right_after_a_change) {
  Bench bench;
  bench.pass(24h * 7);
  bench.change();
  for (int i = 0; i <= 3600 && bench.delays.size() < 2; ++i) bench.pass(1s);
  ASSERT_EQ(bench.delays.size(), 2u) << "the change is seen within the longest interval";
  EXPECT_LE(bench.observer.next_due.at("app") - bench.clock.now(), 1min);
  EXPECT_GE(bench.runs_within(5min), 4u);
}

TEST(An_adaptive_policy, remembers_over_a_restart_how_long_it_has_been_quiet) {
  Bench bench;
  bench.pass(24h * 7);
  bench.start({bench.recorder.policies.at("app")});
  EXPECT_LE(bench.runs_within(24h), 25u);
}

TEST(An_adaptive_policy, is_looked_at_at_the_shortest_interval_when_the_clock_was_set_back) {
  Bench bench;
  bench.pass(24h * 7);
  bench.clock.wall -= 24h * 30;
  EXPECT_GE(bench.runs_within(10min), 9u);
}

}  // namespace
}  // namespace refsyncd
