#include "run/attempt.h"

#include <algorithm>

#include "base/handle.h"
#include "schedule/backoff.h"

namespace refsyncd {
namespace {

RunStep nothing(const PolicyState& state) { return {.state = state}; }

RunStep begin_attempt(PolicyState state, Priority priority, WallTime now) {
  state.phase = RunPhase::enqueuing;
  state.attempt += 1;
  state.last_attempt = now;
  return {.state = std::move(state), .enqueue = priority};
}

RunStep begin_run(PolicyState state, Priority trigger, WallTime now) {
  state.trigger = trigger;
  state.attempt = 0;
  return begin_attempt(std::move(state), trigger, now);
}

PolicyState ended(PolicyState state) {
  state.phase = RunPhase::idle;
  state.attempt = 0;
  return state;
}

RunStep succeed(PolicyState state, const event::Completed& end, WallTime now) {
  state = ended(std::move(state));
  state.last_success = std::min(end.at, now);
  if (end.counts.updated > 0 || !state.last_change) state.last_change = state.last_success;
  state.not_before.reset();
  state.consecutive_failures = 0;
  state.last_failure.reset();
  state.last_counts = end.counts;
  return {.state = std::move(state), .finished = true};
}

RunStep fail(const Policy& policy, PolicyState state, const Failure& why, WallTime now, double roll) {
  state.last_failure = why;
  if (worth_retrying_soon(why.kind) && state.attempt < policy.retry.attempts) {
    state.phase = RunPhase::backing_off;
    state.retry_at = now + backoff(policy.retry, state.attempt, why.retry_after, roll);
    return {.state = std::move(state), .failed = why};
  }
  state = ended(std::move(state));
  state.consecutive_failures += 1;
  const auto wish =
      std::clamp<milliseconds>(why.retry_after.value_or(milliseconds{}), milliseconds{}, longest_wish);
  const auto away = std::max(stay_away(why.kind, state.consecutive_failures), wish);
  state.not_before = away > milliseconds{} ? std::optional(now + away) : std::nullopt;
  return {.state = std::move(state), .failed = why, .finished = true};
}

RunStep due(const PolicyState& state, WallTime at, WallTime now) {
  auto next = state;
  next.last_due = at;
  const bool held_back = next.not_before && *next.not_before > now;
  if (next.phase != RunPhase::idle || held_back) return nothing(next);
  return begin_run(std::move(next), Priority::scheduled, now);
}

RunStep asked(const PolicyState& state, WallTime now) {
  switch (state.phase) {
    case RunPhase::idle: return begin_run(state, Priority::manual, now);
    case RunPhase::backing_off: return begin_attempt(state, Priority::manual, now);
    case RunPhase::enqueuing: return nothing(state);
    case RunPhase::waiting: {
      auto step = nothing(state);
      step.raise = true;
      return step;
    }
  }
  return nothing(state);
}

RunStep enqueued(PolicyState state, const std::string& sync_id) {
  if (state.phase != RunPhase::enqueuing) return nothing(state);
  state.phase = RunPhase::waiting;
  state.sync_id = sync_id;
  return nothing(state);
}

RunStep restarted(PolicyState state) {
  if (state.phase != RunPhase::enqueuing && state.phase != RunPhase::waiting) return nothing(state);
  state.phase = RunPhase::enqueuing;
  const auto priority = state.attempt > 1 ? Priority::retry : state.trigger;
  return {.state = std::move(state), .enqueue = priority};
}

}  // namespace

RunStep next_step(const Policy& policy, const PolicyState& state, const RunEvent& event, WallTime now,
                  double roll) {
  const bool in_attempt = state.phase == RunPhase::enqueuing || state.phase == RunPhase::waiting;
  return std::visit(
      match{[&](const event::Due& e) { return due(state, e.at, now); },
            [&](const event::Asked&) { return asked(state, now); },
            [&](const event::Enqueued& e) { return enqueued(state, e.sync_id); },
            [&](const event::Refused& e) {
              return in_attempt ? fail(policy, state, e.why, now, roll) : nothing(state);
            },
            [&](const event::Completed& e) { return in_attempt ? succeed(state, e, now) : nothing(state); },
            [&](const event::Failed& e) {
              return in_attempt ? fail(policy, state, e.why, now, roll) : nothing(state);
            },
            [&](const event::RetryDue&) {
              return state.phase == RunPhase::backing_off ? begin_attempt(state, Priority::retry, now)
                                                          : nothing(state);
            },
            [&](const event::Restarted&) { return restarted(state); }},
      event);
}

PolicyState after_clock_set_back(PolicyState state, WallTime now) {
  if (!state.last_attempt || *state.last_attempt <= now) return state;
  const auto back = *state.last_attempt - now;
  state.last_attempt = now;
  if (state.phase == RunPhase::backing_off) state.retry_at -= back;
  if (state.not_before) *state.not_before -= back;
  if (state.last_change) state.last_change = std::min(*state.last_change, now);
  return state;
}

}  // namespace refsyncd
