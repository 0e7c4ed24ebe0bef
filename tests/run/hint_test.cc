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
  /// Ends the sync that was asked for last.
  void end(std::optional<Failure> why = std::nullopt) {
    service.accept();
    service.end("sync-" + std::to_string(asked()), std::move(why));
  }
  /// Lets every attempt of the run under way fail.
  void fail_run() {
    for (;; advance(2s)) {
      end(failure(ErrorKind::transient));
      if (state().phase == RunPhase::idle) return;
    }
  }
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
  bench.tick();
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

/// A hint that came at some moment of a run of two attempts, which both fail.
struct Moment {
  const char* name;
  bool before, during_first, between, during_last;
};
void PrintTo(const Moment& moment, std::ostream* out) { *out << moment.name; }
class A_hint_that_came : public testing::TestWithParam<Moment> {};

TEST_P(A_hint_that_came, is_kept_until_a_run_completes) {
  Bench bench;
  const auto hint_if = [&](bool now) {
    if (now) bench.runner.hint(0);
  };
  hint_if(GetParam().before);
  GetParam().before ? bench.tick() : void(bench.runner.trigger("app"));
  hint_if(GetParam().during_first);
  bench.end(failure(ErrorKind::transient));
  hint_if(GetParam().between);
  bench.advance(2s);
  hint_if(GetParam().during_last);
  bench.end(failure(ErrorKind::transient));
  ASSERT_EQ(bench.state().phase, RunPhase::idle);
  bench.advance(1min - 1ms);
  EXPECT_EQ(bench.asked(), 3u);
  bench.advance(1ms);
  ASSERT_EQ(bench.asked(), 4u);
  EXPECT_EQ(bench.service.requests[3].priority, Priority::scheduled);
  bench.end();
  bench.advance(1h);
  EXPECT_EQ(bench.asked(), 4u) << "it is answered";
}

INSTANTIATE_TEST_SUITE_P(Moments, A_hint_that_came,
                         testing::Values(Moment{"before_the_run", true, false, false, false},
                                         Moment{"during_the_first_attempt", false, true, false, false},
                                         Moment{"between_the_attempts", false, false, true, false},
                                         Moment{"during_the_last_attempt", false, false, false, true},
                                         Moment{"all_the_time", true, true, true, true}),
                         [](const auto& moment) { return std::string(moment.param.name); });

TEST(A_hint, that_no_run_answers_for_a_day_leads_to_ever_rarer_runs) {
  Bench bench;
  bench.runner.hint(0);
  bench.tick();
  for (auto passed = 0s; passed < 23h; passed += 1s) {
    if (bench.state().phase == RunPhase::enqueuing) bench.end(failure(ErrorKind::transient));
    bench.advance(1s);
  }
  EXPECT_GE(bench.state().consecutive_failures, 6 + 20) << "doubling up to an hour, then one an hour";
  EXPECT_LE(bench.state().consecutive_failures, 7 + 22);
}

TEST(A_hint, after_a_failed_run_does_not_wait_for_those_before_it) {
  Bench bench;
  bench.runner.hint(0);
  bench.tick();
  bench.fail_run();
  bench.advance(10s);
  bench.runner.hint(0);
  bench.tick();
  ASSERT_EQ(bench.asked(), 4u);
  bench.end();
  bench.advance(1h);
  EXPECT_EQ(bench.asked(), 4u) << "one run answers all that came before it";
}

TEST(A_hint, that_a_failed_run_left_over_is_answered_by_a_run_by_hand) {
  Bench bench;
  const auto due = bench.observer.next_due.at("app");
  bench.runner.hint(0);
  bench.tick();
  bench.fail_run();
  EXPECT_LT(bench.observer.next_due.at("app"), due);
  bench.runner.trigger("app");
  EXPECT_EQ(bench.observer.next_due.at("app"), due);
  bench.end();
  bench.advance(1h);
  EXPECT_EQ(bench.asked(), 4u);
}

TEST(A_hint, that_a_failed_run_left_over_waits_no_longer_after_a_reload) {
  Bench bench;
  bench.runner.hint(0);
  bench.tick();
  bench.end(failure(ErrorKind::auth));
  bench.advance(10s);
  EXPECT_EQ(bench.asked(), 2u);
  bench.runner.configure({Bench::daily()}, {});
  bench.tick();
  EXPECT_EQ(bench.asked(), 3u);
}

TEST(A_hint, waits_no_longer_because_the_clock_was_set_back) {
  Bench bench;
  bench.runner.hint(0);
  bench.tick();
  bench.end(failure(ErrorKind::auth));
  bench.clock.wall -= 5h;
  bench.tick();
  bench.advance(1min);
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
