#include "run/attempt.h"

#include <gtest/gtest.h>

namespace refsyncd {
namespace {

using namespace std::chrono_literals;

const WallTime now{std::chrono::sys_days{std::chrono::year{2026} / 3 / 1}};
const Failure network{.kind = ErrorKind::transient, .message = "network down", .retry_after = {}};
const Failure refused{.kind = ErrorKind::auth, .message = "401", .retry_after = {}};

Policy policy() {
  Policy policy;
  policy.name = "app-pull";
  policy.retry = {.attempts = 3, .first = 2s, .max = 1min};
  return policy;
}

PolicyState in(RunPhase phase, int attempt = 0) {
  PolicyState state;
  state.policy = "app-pull";
  state.phase = phase;
  state.attempt = attempt;
  if (phase == RunPhase::waiting) state.sync_id = "s1";
  return state;
}

struct Row {
  const char* name;
  PolicyState before;
  RunEvent event;
  RunPhase after;
  int attempt;
  std::optional<Priority> enqueue = std::nullopt;
  bool finished = false;
};

class NextStep : public testing::TestWithParam<Row> {};

TEST_P(NextStep, follows_the_rules) {
  const auto& row = GetParam();
  const auto step = next_step(policy(), row.before, row.event, now, 0.5);
  EXPECT_EQ(step.state.phase, row.after);
  EXPECT_EQ(step.state.attempt, row.attempt);
  EXPECT_EQ(step.enqueue, row.enqueue);
  EXPECT_EQ(step.finished, row.finished);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, NextStep,
    testing::Values(
        Row{"due_begins_a_run", in(RunPhase::idle), event::Due{now}, RunPhase::enqueuing, 1,
            Priority::scheduled},
        Row{"asked_begins_an_urgent_run", in(RunPhase::idle), event::Asked{}, RunPhase::enqueuing, 1,
            Priority::manual},
        Row{"due_during_an_attempt_is_part_of_it", in(RunPhase::waiting, 1), event::Due{now},
            RunPhase::waiting, 1},
        Row{"due_while_backing_off_is_part_of_it", in(RunPhase::backing_off, 2), event::Due{now},
            RunPhase::backing_off, 2},
        Row{"asked_during_an_attempt_is_part_of_it", in(RunPhase::waiting, 1), event::Asked{},
            RunPhase::waiting, 1},
        Row{"asked_ends_the_backoff", in(RunPhase::backing_off, 1), event::Asked{}, RunPhase::enqueuing, 2,
            Priority::manual},
        Row{"accepted_request_is_waited_for", in(RunPhase::enqueuing, 1), event::Enqueued{"s9"},
            RunPhase::waiting, 1},
        Row{"late_acceptance_is_ignored", in(RunPhase::idle), event::Enqueued{"s9"}, RunPhase::idle, 0},
        Row{"completed_ends_the_run",
            in(RunPhase::waiting, 2),
            event::Completed{},
            RunPhase::idle,
            0,
            {},
            true},
        Row{"transient_failure_backs_off", in(RunPhase::waiting, 1), event::Failed{network},
            RunPhase::backing_off, 1},
        Row{"last_attempt_ends_the_run",
            in(RunPhase::waiting, 3),
            event::Failed{network},
            RunPhase::idle,
            0,
            {},
            true},
        Row{"refused_credentials_end_the_run_at_once",
            in(RunPhase::waiting, 1),
            event::Failed{refused},
            RunPhase::idle,
            0,
            {},
            true},
        Row{"refused_request_counts_as_attempt", in(RunPhase::enqueuing, 1), event::Refused{network},
            RunPhase::backing_off, 1},
        Row{"end_without_attempt_is_ignored", in(RunPhase::idle), event::Failed{network}, RunPhase::idle, 0},
        Row{"backoff_over_asks_again", in(RunPhase::backing_off, 1), event::RetryDue{}, RunPhase::enqueuing,
            2, Priority::retry},
        Row{"retry_time_outside_backoff_is_ignored", in(RunPhase::waiting, 1), event::RetryDue{},
            RunPhase::waiting, 1},
        Row{"restart_asks_again_for_the_same_attempt", in(RunPhase::enqueuing, 1), event::Restarted{},
            RunPhase::enqueuing, 1, Priority::scheduled},
        Row{"restart_repeats_a_lost_retry", in(RunPhase::waiting, 2), event::Restarted{}, RunPhase::enqueuing,
            2, Priority::retry},
        Row{"restart_leaves_backoff_alone", in(RunPhase::backing_off, 2), event::Restarted{},
            RunPhase::backing_off, 2},
        Row{"restart_leaves_idle_alone", in(RunPhase::idle), event::Restarted{}, RunPhase::idle, 0}),
    [](const auto& row) { return row.param.name; });

TEST(A_run, that_completes_forgets_its_troubles_and_remembers_its_refs) {
  auto state = in(RunPhase::waiting, 2);
  state.consecutive_failures = 4;
  state.last_failure = network;
  state.not_before = now + 1h;
  const auto step = next_step(policy(), state, event::Completed{.counts = {.updated = 3}, .at = now}, now, 0);
  EXPECT_EQ(step.state.consecutive_failures, 0);
  EXPECT_FALSE(step.state.last_failure);
  EXPECT_FALSE(step.state.not_before);
  EXPECT_EQ(step.state.last_success, now);
  EXPECT_EQ(step.state.last_counts.updated, 3u);
}

TEST(A_run, that_fails_for_good_counts_once_however_many_attempts_it_made) {
  auto step = next_step(policy(), in(RunPhase::waiting, 1), event::Failed{network}, now, 0);
  EXPECT_EQ(step.state.consecutive_failures, 0);
  EXPECT_EQ(step.state.last_failure, network);
  step = next_step(policy(), in(RunPhase::waiting, 3), event::Failed{network}, now, 0);
  EXPECT_EQ(step.state.consecutive_failures, 1);
}

TEST(A_run, honours_the_other_sides_wish_to_wait) {
  const Failure busy{.kind = ErrorKind::throttled, .message = "429", .retry_after = 90s};
  const auto backing_off = next_step(policy(), in(RunPhase::waiting, 1), event::Failed{busy}, now, 0);
  EXPECT_GE(backing_off.state.retry_at, now + 90s);
  const auto ended = next_step(policy(), in(RunPhase::waiting, 3), event::Failed{busy}, now, 0);
  EXPECT_GE(ended.state.not_before.value(), now + 90s);
}

TEST(A_policy_held_back, skips_what_comes_due_but_not_what_is_asked_by_hand) {
  auto state = in(RunPhase::idle);
  state.not_before = now + 1min;
  const auto due = next_step(policy(), state, event::Due{now}, now, 0);
  EXPECT_EQ(due.state.phase, RunPhase::idle);
  EXPECT_EQ(due.state.last_due, now);
  EXPECT_FALSE(due.enqueue);
  EXPECT_TRUE(next_step(policy(), state, event::Asked{}, now, 0).enqueue);
  EXPECT_TRUE(next_step(policy(), state, event::Due{now}, now + 1min, 0).enqueue);
}

TEST(A_policy_held_back, waits_longer_the_more_often_it_failed_but_never_over_an_hour) {
  auto state = in(RunPhase::waiting, 1);
  milliseconds last{};
  for (int failures = 0; failures < 20; ++failures) {
    state.consecutive_failures = failures;
    const auto step = next_step(policy(), state, event::Failed{refused}, now, 0);
    const auto away = *step.state.not_before - now;
    EXPECT_GE(away, last);
    EXPECT_LE(away, 1h);
    last = away;
  }
  EXPECT_EQ(last, 1h);
}

TEST(Every_event, in_every_phase_leaves_a_state_that_can_go_on) {
  const RunEvent events[] = {event::Due{now},         event::Asked{},     event::Enqueued{"x"},
                             event::Refused{network}, event::Completed{}, event::Failed{refused},
                             event::RetryDue{},       event::Restarted{}};
  for (const auto phase : {RunPhase::idle, RunPhase::enqueuing, RunPhase::waiting, RunPhase::backing_off}) {
    for (const auto& event : events) {
      for (int attempt = 0; attempt <= 4; ++attempt) {
        const auto step = next_step(policy(), in(phase, attempt), event, now, 0.9);
        if (step.enqueue) {
          EXPECT_EQ(step.state.phase, RunPhase::enqueuing);
        }
        if (step.finished) {
          EXPECT_EQ(step.state.phase, RunPhase::idle);
        }
        if (step.state.phase == RunPhase::backing_off && phase != RunPhase::backing_off) {
          EXPECT_GT(step.state.retry_at, now);
        }
      }
    }
  }
}

TEST(A_run, that_ended_while_nobody_looked_succeeded_then_and_not_now) {
  const auto step = [](WallTime at) {
    return next_step(policy(), in(RunPhase::waiting, 1), event::Completed{.counts = {}, .at = at}, now, 0);
  };
  EXPECT_EQ(step(now - 24h).state.last_success, now - 24h);
  EXPECT_EQ(step(now + 1h).state.last_success, now) << "another clock's time may lie ahead";
}

TEST(A_run, asked_for_by_hand_while_its_sync_waits_makes_that_urgent) {
  const auto waiting = next_step(policy(), in(RunPhase::waiting, 1), event::Asked{}, now, 0);
  EXPECT_TRUE(waiting.raise);
  EXPECT_FALSE(waiting.enqueue);
  EXPECT_FALSE(next_step(policy(), in(RunPhase::enqueuing, 1), event::Asked{}, now, 0).raise);
}

TEST(A_run, that_ends_with_an_absurd_wish_is_held_back_a_year_at_most) {
  const Failure absurd{.kind = ErrorKind::throttled, .message = "429", .retry_after = milliseconds::max()};
  const auto ended = next_step(policy(), in(RunPhase::waiting, 3), event::Failed{absurd}, now, 0);
  EXPECT_EQ(ended.state.not_before, now + std::chrono::days(365));
}

}  // namespace
}  // namespace refsyncd
