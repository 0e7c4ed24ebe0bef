// What Runner::hint() promises: the upstream has just changed, so look soon.
#include <gtest/gtest.h>

#include "run/runner.h"
#include "support/fakes.h"
#include "support/manual_clock.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;

Failure failure(ErrorKind kind) { return {.kind = kind, .message = "it broke", .retry_after = {}}; }

/// A runner with one policy that is due once a day and has run once.
struct Bench {
  ManualClock clock;
  FakeService service;
  MemoryRecorder recorder;
  RecordingObserver observer;
  Runner runner{clock, service, recorder, observer, [] { return 0.5; }};

  Bench() {
    service.set_listener(runner);
    runner.configure({daily()}, {});
    tick();
    service.accept();
    service.end("sync-1");
    clock.advance(1min);
    tick();
    if (service.requests.size() != 1) throw std::logic_error("the first run is over");
  }
  static Policy daily() {
    Policy policy;
    policy.name = policy.repo = "app";
    policy.schedule = Every{24h};
    policy.retry = {.attempts = 2, .first = 2s, .max = 1min};
    return policy;
  }
  void tick() {
    runner.tick();
    recorder.settle();
  }
  void advance(milliseconds by) {
    clock.advance(by);
    tick();
  }
  size_t asked() const { return service.requests.size(); }
  const PolicyState& state() { return runner.view(0).state; }
};

TEST(A_hint, makes_an_idle_policy_due_now_at_the_priority_of_the_schedule) {
  Bench bench;
  const auto due = bench.observer.next_due.at("app");
  bench.runner.hint(0);
  EXPECT_EQ(bench.runner.next_wake(), bench.clock.steady());
  bench.tick();
  ASSERT_EQ(bench.asked(), 2u);
  EXPECT_EQ(bench.service.requests[1].priority, Priority::scheduled);
  EXPECT_EQ(bench.state().trigger, Priority::scheduled);
  EXPECT_EQ(bench.observer.next_due.at("app"), due) << "the grid stays";
}

TEST(Hints, that_come_in_a_burst_lead_to_two_runs_at_most) {
  Bench bench;
  int ended = 1;
  for (int i = 0; i < 100; ++i) {
    bench.runner.hint(0);
    bench.advance(20ms);
    bench.service.accept();
    if (bench.state().phase == RunPhase::waiting) bench.service.end("sync-" + std::to_string(++ended));
  }
  EXPECT_EQ(bench.asked(), 2u);
  bench.advance(4s);
  EXPECT_EQ(bench.asked(), 3u) << "one more, for what came after the first had looked";
  bench.service.accept();
  bench.service.end("sync-3");
  bench.advance(1h);
  EXPECT_EQ(bench.asked(), 3u);
}

TEST(A_hint, while_a_sync_runs_leads_to_one_more_run_after_it) {
  Bench bench;
  bench.runner.trigger("app");
  bench.service.accept();
  for (int i = 0; i < 10; ++i) bench.runner.hint(0);
  bench.advance(10s);
  EXPECT_EQ(bench.asked(), 2u);
  bench.service.end("sync-2");
  bench.tick();
  ASSERT_EQ(bench.asked(), 3u);
  EXPECT_EQ(bench.service.requests[2].priority, Priority::scheduled);
  bench.service.accept();
  bench.service.end("sync-3");
  bench.advance(1h);
  EXPECT_EQ(bench.asked(), 3u);
}

TEST(A_hint, while_a_run_backs_off_waits_for_its_next_attempt) {
  Bench bench;
  bench.runner.trigger("app");
  bench.service.accept();
  bench.runner.hint(0);
  bench.service.end("sync-2", failure(ErrorKind::transient));
  bench.runner.hint(0);
  bench.tick();
  EXPECT_EQ(bench.asked(), 2u);
  bench.advance(2s);
  ASSERT_EQ(bench.asked(), 3u);
  EXPECT_EQ(bench.service.requests[2].priority, Priority::retry);
  bench.service.accept();
  bench.service.end("sync-3");
  bench.advance(1h);
  EXPECT_EQ(bench.asked(), 3u) << "the attempt after the hints has looked";
}

TEST(A_hint, for_a_policy_that_is_held_back_is_kept_until_that_is_over) {
  Bench bench;
  bench.runner.trigger("app");
  bench.service.accept();
  bench.service.end("sync-2", failure(ErrorKind::auth));
  ASSERT_TRUE(bench.state().not_before);
  const auto held = *bench.state().not_before - bench.clock.now();
  bench.runner.hint(0);
  bench.advance(held - 1ms);
  EXPECT_EQ(bench.asked(), 2u);
  bench.advance(1ms);
  EXPECT_EQ(bench.asked(), 3u);
}

TEST(A_hint, that_no_run_has_followed_yet_outlives_a_reload) {
  Bench bench;
  bench.runner.trigger("app");
  bench.service.accept();
  bench.runner.hint(0);
  bench.runner.configure({Bench::daily()}, {});
  bench.service.end("sync-2");
  bench.advance(5s);
  EXPECT_EQ(bench.asked(), 3u);
}

TEST(A_hint, outlives_a_reload_that_edits_its_policy) {
  Bench bench;
  bench.runner.hint(0);
  bench.advance(1s);
  bench.service.accept();
  bench.service.end("sync-2");
  bench.runner.hint(0);
  auto edited = Bench::daily();
  edited.timeout = 1h;
  bench.runner.configure({edited}, {});
  bench.advance(3s);
  EXPECT_EQ(bench.asked(), 2u);
  bench.advance(1s);
  EXPECT_EQ(bench.asked(), 3u);
  bench.service.accept();
  bench.service.end("sync-3");
  bench.runner.configure({Bench::daily()}, {});
  bench.advance(1h);
  EXPECT_EQ(bench.asked(), 3u) << "a run has followed";
}

TEST(A_hint, is_not_lost_with_a_due_time_that_comes_while_its_policy_is_held_back) {
  Bench bench;
  auto often = Bench::daily();
  often.schedule = Every{59s};
  often.catch_up = false;
  bench.runner.configure({often}, {});
  bench.runner.trigger("app");
  bench.service.accept();
  bench.service.end("sync-2", failure(ErrorKind::auth));
  ASSERT_TRUE(bench.state().not_before);
  const auto held = *bench.state().not_before - bench.clock.now();
  ASSERT_GE(held, 59s);
  bench.runner.hint(0);
  for (auto waited = 0s; waited + 1s < held; waited += 1s) bench.advance(1s);
  EXPECT_EQ(bench.asked(), 2u);
  bench.advance(1s);
  EXPECT_EQ(bench.asked(), 3u);
}

TEST(A_hint, starts_nothing_in_a_stopped_runner) {
  Bench bench;
  bench.runner.stop_starting();
  bench.runner.hint(0);
  bench.advance(1min);
  EXPECT_EQ(bench.asked(), 1u);
}

}  // namespace
}  // namespace refsyncd
