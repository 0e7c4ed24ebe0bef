#include <gtest/gtest.h>

#include "run/explain.h"
#include "run/runner_bench.h"

namespace refsyncd {
namespace {

TEST(The_runner, starts_a_new_interval_policy_at_once_and_then_at_its_due_times) {
  Bench bench;
  bench.runner.configure({every("app", 5min)}, {});
  bench.tick();
  ASSERT_EQ(bench.service.requests.size(), 1u);
  EXPECT_EQ(bench.service.requests[0].priority, Priority::scheduled);
  bench.service.accept();
  bench.service.end("sync-1");
  const auto due = bench.observer.next_due.at("app");
  bench.advance_to(due - 1ms);
  EXPECT_EQ(bench.service.requests.size(), 1u);
  bench.advance_to(due);
  EXPECT_EQ(bench.service.requests.size(), 2u);
}

TEST(The_runner, does_not_start_a_calendar_policy_before_its_first_time) {
  Bench bench;
  auto nightly = every("app", 5min);
  CronSchedule schedule{.cron = {}, .expression = "0 3 * * *", .timezone = "UTC"};
  CronProblem problem;
  ASSERT_TRUE(parse_cron(schedule.expression, schedule.cron, problem));
  nightly.schedule = schedule;
  nightly.jitter = {.fraction = 0, .time = 0ms};
  bench.runner.configure({nightly}, {});
  bench.tick();
  EXPECT_TRUE(bench.service.requests.empty());
  bench.clock.advance(3h - 1ms);
  bench.tick();
  EXPECT_TRUE(bench.service.requests.empty());
  bench.clock.advance(1ms);
  bench.tick();
  EXPECT_EQ(bench.service.requests.size(), 1u);
}

TEST(The_runner, runs_a_policy_once_after_a_stall_however_many_due_times_passed) {
  Bench bench;
  bench.runner.configure({every("app", 1min)}, {});
  bench.tick();
  bench.service.accept();
  bench.service.end("sync-1");
  bench.clock.advance(24h);
  bench.tick();
  bench.tick();
  EXPECT_EQ(bench.service.requests.size(), 2u);
}

TEST(The_runner, retries_with_growing_waits_and_then_waits_for_the_next_due_time) {
  Bench bench;
  bench.runner.configure({every("app", 1h)}, {});
  bench.tick();
  for (int attempt = 1; attempt <= 3; ++attempt) {
    bench.service.accept();
    EXPECT_EQ(bench.service.requests.size(), static_cast<size_t>(attempt));
    bench.service.end("sync-" + std::to_string(attempt), network);
    if (attempt == 3) break;
    EXPECT_EQ(bench.state("app").phase, RunPhase::backing_off);
    bench.advance_to(bench.state("app").retry_at - 1ms);
    EXPECT_EQ(bench.service.requests.size(), static_cast<size_t>(attempt));
    bench.advance_to(bench.state("app").retry_at);
    EXPECT_EQ(bench.service.requests.back().priority, Priority::retry);
  }
  EXPECT_EQ(bench.state("app").phase, RunPhase::idle);
  EXPECT_EQ(bench.state("app").consecutive_failures, 1);
  ASSERT_EQ(bench.observer.finished.size(), 1u);
  bench.clock.advance(1h);
  bench.tick();
  EXPECT_EQ(bench.service.requests.size(), 4u);
}

TEST(The_runner, writes_each_step_down_before_the_service_is_asked) {
  Bench bench;
  bench.runner.configure({every("app", 1h)}, {});
  bench.runner.tick();
  ASSERT_EQ(bench.service.requests.size(), 1u);
  EXPECT_EQ(bench.recorder.policies.at("app").phase, RunPhase::enqueuing);
  EXPECT_EQ(bench.recorder.policies.at("app").attempt, 1);
}

TEST(The_runner, writes_a_scheduled_request_down_with_its_answer_when_its_loss_leaves_nothing) {
  Bench bench;
  bench.service.lost_leave_nothing = true;
  bench.runner.configure({every("app", 1h)}, {});
  bench.tick();
  ASSERT_EQ(bench.service.requests.size(), 1u);
  EXPECT_TRUE(bench.recorder.policies.empty());
  bench.service.accept();
  EXPECT_EQ(bench.recorder.policies.at("app").phase, RunPhase::waiting);
  EXPECT_EQ(bench.recorder.policies.at("app").sync_id, "sync-1");
}

TEST(The_runner, writes_down_that_a_scheduled_request_was_refused) {
  Bench bench;
  bench.service.lost_leave_nothing = true;
  bench.service.refuse_with = network;
  bench.runner.configure({every("app", 1h)}, {});
  bench.tick();
  bench.service.accept();
  EXPECT_EQ(bench.recorder.policies.at("app").phase, RunPhase::backing_off);
}

TEST(The_runner, writes_a_retry_down_before_the_service_is_asked_whatever_its_loss_leaves) {
  Bench bench;
  bench.service.lost_leave_nothing = true;
  bench.runner.configure({every("app", 1h)}, {});
  bench.tick();
  bench.service.accept();
  bench.service.end("sync-1", network);
  bench.advance_to(bench.state("app").retry_at);
  ASSERT_EQ(bench.service.requests.back().priority, Priority::retry);
  EXPECT_EQ(bench.recorder.policies.at("app").phase, RunPhase::enqueuing);
  EXPECT_EQ(bench.recorder.policies.at("app").attempt, 2);
}

TEST(The_runner, writes_a_request_by_hand_down_before_the_service_is_asked_whatever_its_loss_leaves) {
  Bench bench;
  bench.service.lost_leave_nothing = true;
  bench.runner.configure({every("app", 1h)}, {});
  bench.runner.trigger("app");
  ASSERT_EQ(bench.service.requests.size(), 1u);
  EXPECT_EQ(bench.recorder.policies.at("app").phase, RunPhase::enqueuing);
}

TEST(The_runner, writes_a_scheduled_request_down_once_somebody_asks_for_the_same_by_hand) {
  Bench bench;
  bench.service.lost_leave_nothing = true;
  bench.runner.configure({every("app", 1h)}, {});
  bench.tick();
  ASSERT_TRUE(bench.recorder.policies.empty());
  EXPECT_TRUE(bench.runner.trigger("app"));
  EXPECT_EQ(bench.recorder.policies.at("app").phase, RunPhase::enqueuing);
}

TEST(The_runner, goes_on_with_the_runs_an_earlier_process_left) {
  Bench bench;
  PolicyState waiting{.policy = "a", .phase = RunPhase::waiting, .attempt = 1, .sync_id = "sync-1"};
  PolicyState asking{.policy = "b", .phase = RunPhase::enqueuing, .attempt = 1};
  PolicyState backing_off{
      .policy = "c", .phase = RunPhase::backing_off, .attempt = 1, .retry_at = bench.clock.now() + 30s};
  for (auto* state : {&waiting, &asking, &backing_off}) state->last_due = bench.clock.now();
  bench.runner.configure({every("a", 1h), every("b", 1h), every("c", 1h)}, {waiting, asking, backing_off});
  bench.tick();
  ASSERT_EQ(bench.service.requests.size(), 1u);
  EXPECT_EQ(bench.service.requests[0].policy, "b");
  bench.service.end("sync-1");
  EXPECT_EQ(bench.state("a").last_success, bench.clock.now());
  bench.clock.advance(30s);
  bench.tick();
  EXPECT_EQ(bench.service.requests.back().policy, "c");
  EXPECT_EQ(bench.state("c").attempt, 2);
}

TEST(The_runner, asks_again_for_a_sync_the_service_has_forgotten) {
  Bench bench;
  bench.service.knows_syncs = false;
  PolicyState waiting{.policy = "a", .phase = RunPhase::waiting, .attempt = 2, .sync_id = "gone"};
  waiting.last_due = bench.clock.now();
  bench.runner.configure({every("a", 1h)}, {waiting});
  ASSERT_EQ(bench.service.requests.size(), 1u);
  EXPECT_EQ(bench.state("a").attempt, 2);
}

TEST(The_runner, catches_missed_runs_up_without_a_storm) {
  Bench bench;
  std::vector<Policy> policies;
  std::vector<PolicyState> states;
  for (int i = 0; i < 100; ++i) {
    policies.push_back(every("p" + std::to_string(i), 1h));
    PolicyState state;
    state.policy = policies.back().name;
    state.last_due = bench.clock.now() - 24h;
    states.push_back(state);
  }
  bench.runner.configure(policies, states);
  bench.tick();
  EXPECT_LE(bench.service.requests.size(), 3u);
  bench.clock.advance(2s);
  bench.tick();
  EXPECT_EQ(bench.service.requests.size(), 100u);
}

TEST(The_runner, leaves_missed_runs_alone_when_the_policy_says_so) {
  Bench bench;
  auto policy = every("app", 1h);
  policy.catch_up = false;
  bench.runner.configure({policy}, {});
  bench.tick();
  EXPECT_TRUE(bench.service.requests.empty());
  bench.clock.advance(1h + 6min);
  bench.tick();
  EXPECT_EQ(bench.service.requests.size(), 1u);
}

TEST(A_reload, keeps_states_and_due_times_of_policies_that_stay) {
  Bench bench;
  bench.runner.configure({every("app", 1h), every("old", 1h)}, {});
  bench.tick();
  bench.clock.advance(1s);
  bench.tick();
  bench.service.accept();
  const auto due = bench.observer.next_due.at("app");
  bench.clock.advance(1min);
  bench.runner.configure({every("new", 1h), every("app", 1h)}, {});
  EXPECT_EQ(bench.observer.next_due.at("app"), due);
  EXPECT_EQ(bench.state("app").phase, RunPhase::waiting);
  EXPECT_FALSE(bench.runner.find("old"));
  bench.service.end("sync-1");
  bench.service.end("sync-2");
  EXPECT_EQ(bench.state("app").last_success, bench.clock.now());
}

TEST(A_reload, lets_policies_that_were_held_back_try_again) {
  Bench bench;
  bench.runner.configure({every("app", 1min)}, {});
  bench.tick();
  bench.service.accept();
  bench.service.end("sync-1", Failure{.kind = ErrorKind::auth, .message = "401", .retry_after = {}});
  EXPECT_TRUE(bench.state("app").not_before);
  bench.runner.configure({every("app", 1min)}, {});
  EXPECT_FALSE(bench.state("app").not_before);
}

TEST(The_clock_set_back, does_not_delay_a_policy_by_more_than_its_interval) {
  Bench bench;
  bench.runner.configure({every("app", 5min)}, {});
  bench.tick();
  bench.service.accept();
  bench.service.end("sync-1");
  bench.clock.wall -= 24h;
  bench.clock.monotonic += 1s;
  bench.tick();
  EXPECT_LE(bench.observer.next_due.at("app"), bench.clock.now() + 5min + 30s);
}

TEST(The_clock_set_forward, starts_a_policy_once) {
  Bench bench;
  bench.runner.configure({every("app", 5min)}, {});
  bench.tick();
  bench.service.accept();
  bench.service.end("sync-1");
  bench.clock.wall += 24h;
  bench.tick();
  bench.tick();
  EXPECT_EQ(bench.service.requests.size(), 2u);
}

TEST(A_stopped_runner, starts_nothing_and_still_follows_what_runs) {
  Bench bench;
  bench.runner.configure({every("app", 1min)}, {});
  bench.tick();
  bench.service.accept();
  bench.runner.stop_starting();
  bench.clock.advance(1h);
  bench.tick();
  EXPECT_EQ(bench.service.requests.size(), 1u);
  bench.service.end("sync-1");
  EXPECT_TRUE(bench.state("app").last_success);
  EXPECT_EQ(bench.runner.next_wake(), SteadyTime::max());
}

TEST(Why_a_policy_is_not_running, is_said_in_one_sentence) {
  Bench bench;
  bench.runner.configure({every("app", 1h)}, {});
  bench.tick();
  const auto said = [&](const std::string& waiting_for = "") {
    return explain(*bench.runner.find("app"), bench.clock.now(), waiting_for);
  };
  EXPECT_EQ(said(), "being enqueued");
  bench.service.accept();
  EXPECT_EQ(said("another sync of app"), "sync queued, waiting for another sync of app");
  EXPECT_EQ(said(), "");
  bench.service.end("sync-1", network);
  EXPECT_EQ(said(), "backing off after attempt 1 of 3; next in 2s");
  bench.advance_to(bench.state("app").retry_at);
  bench.service.accept();
  bench.service.end("sync-2", Failure{.kind = ErrorKind::auth, .message = "401", .retry_after = {}});
  EXPECT_EQ(said(), "held back after auth; scheduled runs go on in 1m, or at once by hand or reload");
}

TEST(An_end_from_before_the_start, counts_for_its_own_time_and_hides_no_missed_run) {
  Bench bench;
  const auto ended = bench.clock.now() - 24h;
  PolicyState waiting{.policy = "app", .phase = RunPhase::waiting, .attempt = 1, .sync_id = "sync-0"};
  waiting.last_due = ended - 1min;
  bench.runner.configure({every("app", 1h)}, {waiting});
  bench.service.end("sync-0", std::nullopt, ended);
  EXPECT_EQ(bench.state("app").last_success, ended);
  bench.tick();
  EXPECT_EQ(bench.service.requests.size(), 1u) << "a day of runs was missed";
}

TEST(The_clock_set_back, makes_no_wait_longer_and_none_shorter_than_it_was_asked_for) {
  Bench bench;
  bench.runner.configure({every("app", 1h), every("lib", 1h)}, {});
  bench.clock.advance(1s);
  bench.tick();
  bench.service.accept();
  bench.service.end("sync-1", Failure{.kind = ErrorKind::throttled, .message = "429", .retry_after = 30min});
  bench.service.end("sync-2", Failure{.kind = ErrorKind::auth, .message = "401", .retry_after = {}});
  const auto wait = bench.state("app").retry_at - bench.clock.now();
  ASSERT_GE(wait, 30min);
  bench.clock.wall -= 24h;
  bench.tick();
  EXPECT_EQ(bench.state("app").retry_at, bench.clock.now() + wait);
  EXPECT_EQ(bench.recorder.policies.at("app").retry_at, bench.state("app").retry_at);
  EXPECT_EQ(bench.state("lib").not_before, bench.clock.now() + 1min);
  bench.advance_to(bench.state("app").retry_at - 1ms);
  const auto asked = std::count_if(bench.service.requests.begin(), bench.service.requests.end(),
                                   [](const SyncRequest& request) { return request.policy == "app"; });
  EXPECT_EQ(asked, 1);
}

TEST(The_clock_set_back, while_the_agent_was_away_keeps_no_policy_waiting_for_ever) {
  Bench bench;
  PolicyState state{.policy = "app", .phase = RunPhase::backing_off, .attempt = 1};
  state.last_attempt = state.last_due = bench.clock.now() + 365 * 24h;
  state.retry_at = *state.last_attempt + 5min;
  bench.runner.configure({every("app", 1h)}, {state});
  EXPECT_EQ(bench.state("app").retry_at, bench.clock.now() + 5min);
  bench.clock.advance(5min);
  bench.tick();
  EXPECT_EQ(bench.service.requests.size(), 1u);
}

TEST(A_reload, gives_a_policy_that_comes_back_what_it_remembered) {
  Bench bench;
  PolicyState stored{.policy = "later"};
  stored.last_success = stored.last_due = stored.last_attempt = bench.clock.now() - 1min;
  bench.runner.configure({every("app", 1h)}, {stored});
  bench.tick();
  bench.service.accept();
  bench.runner.configure({every("later", 1h)}, {});
  EXPECT_EQ(bench.state("later").last_success, stored.last_success);
  bench.service.end("sync-1");
  bench.runner.configure({every("later", 1h), every("app", 1h)}, {});
  EXPECT_EQ(bench.state("app").sync_id, "sync-1");
  bench.service.end("sync-1");
  EXPECT_EQ(bench.state("app").phase, RunPhase::idle) << "it follows its sync again";
}

TEST(A_policy, that_is_taken_up_again_tells_what_it_remembers) {
  Bench bench;
  PolicyState stored{.policy = "app"};
  stored.last_success = stored.last_due = stored.last_attempt = bench.clock.now() - 1min;
  bench.runner.configure({every("app", 1h), every("new", 1h)}, {stored});
  EXPECT_EQ(bench.observer.restored, std::vector{stored});
  bench.runner.configure({every("new", 1h)}, {});
  bench.runner.configure({every("app", 1h), every("new", 1h)}, {});
  EXPECT_EQ(bench.observer.restored, (std::vector{stored, stored})) << "not of what stayed";
}

TEST(A_reload, that_cannot_read_how_a_sync_ended_takes_that_for_a_failed_attempt) {
  Bench bench;
  bench.runner.configure({every("app", 1h), every("lib", 1h)}, {});
  bench.tick();
  bench.service.accept();
  bench.runner.configure({every("lib", 1h)}, {});
  bench.service.cannot_follow = network;
  bench.runner.configure({every("app", 1h), every("lib", 1h)}, {});
  EXPECT_EQ(bench.state("app").phase, RunPhase::backing_off);
  bench.advance_to(bench.state("app").retry_at);
  EXPECT_EQ(bench.service.requests.size(), 3u);
}

TEST(Policies_that_nobody_will_miss, are_unknown_and_old) {
  const WallTime now = ManualClock().now();
  const auto remembered = [&](const std::string& name, milliseconds ago) {
    PolicyState state{.policy = name};
    state.last_attempt = now - ago;
    return state;
  };
  const std::vector<PolicyState> states{remembered("kept", 900h), remembered("old", 900h),
                                        remembered("recent", 1h), PolicyState{.policy = "never ran"}};
  EXPECT_EQ(forgettable_policies(states, std::vector<Policy>{every("kept", 1h)}, now - 720h),
            (std::vector<std::string>{"old", "never ran"}));
}

}  // namespace
}  // namespace refsyncd
