#include "run/runner.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "schedule/backoff.h"
#include "schedule/next_due.h"

namespace refsyncd {
namespace {

using std::chrono::seconds;

/// Runs missed while the agent was away start this far apart, so that a start is no storm.
constexpr milliseconds catch_up_spacing{20};

/// Runs that hints ask for are at least this far apart, so that a burst of pushes is one run, not many.
constexpr milliseconds hint_spacing = seconds(5);

/// Did a due time pass that no run stands for? An interval policy that never ran counts as missed; a calendar
/// policy waits for its first time.
bool missed_a_run(const Policy& policy, const PolicyState& state, WallTime now) {
  if (!policy.catch_up || state.phase != RunPhase::idle) return false;
  if (!state.last_due) return !std::holds_alternative<CronSchedule>(policy.schedule);
  return next_due(policy, *state.last_due, state.last_change) <= now;
}

}  // namespace

SyncRequest request_of(const Policy& policy, Priority priority) {
  return {.repo = policy.repo,
          .direction = policy.direction,
          .globs = policy.globs,
          .exclude = policy.exclude,
          .force = policy.force,
          .prune = policy.prune,
          .timeout = policy.timeout,
          .priority = priority,
          .policy = policy.name};
}

Runner::Runner(const Clock& clock, SyncService& service, Recorder& recorder, Observer& observer,
               std::function<double()> roll)
    : clock_(clock),
      service_(service),
      recorder_(recorder),
      observer_(observer),
      roll_(std::move(roll)),
      begun_(clock.now()),
      last_wall_(begun_),
      last_steady_(clock.steady()) {}

void Runner::configure(std::vector<Policy> policies, std::vector<PolicyState> states) {
  for (auto& state : states) removed_.insert_or_assign(state.policy, state);
  const bool reload = !slots_.empty();
  const auto now = clock_.now();
  auto old_slots = std::exchange(slots_, {});
  const auto old_names = std::exchange(by_name_, {});
  const auto old_due = std::exchange(due_, {});
  retries_.clear();
  observer_.policies_changed(policies);
  slots_.reserve(policies.size());
  int catching_up = 0;
  for (auto& policy : policies) {
    const auto key = static_cast<Key>(slots_.size());
    const auto old = old_names.find(policy.name);
    const bool stays = old != old_names.end();
    const bool unchanged = stays && old_slots[old->second].policy == policy;
    slots_.push_back(stays ? std::move(old_slots[old->second]) : remembered(policy));
    auto& slot = slots_.back();
    by_name_.emplace(policy.name, key);
    slot.policy = std::move(policy);
    if (reload) {
      slot.state.not_before.reset();
      slot.hint_at = std::min(slot.hint_at, slot.hints_from);
    }
    auto due = std::min(next_due(slot.policy, now, slot.state.last_change), due_by_hint(slot));
    if (unchanged) due = std::min(due, old_due.due(old->second));
    if (!stays && missed_a_run(slot.policy, slot.state, now)) {
      due = std::min(due, now + catching_up++ * catch_up_spacing);
    }
    schedule(key, due);
    if (slot.state.phase == RunPhase::backing_off) retries_.set(key, slot.state.retry_at);
    mend_after_clock_change(key, now);
  }
  for (const auto& [name, key] : old_names) {
    if (!by_name_.contains(name)) removed_.insert_or_assign(name, old_slots[key].state);
  }
  for (Key key = 0; key < slots_.size(); ++key) {
    if (!old_names.contains(slots_[key].policy.name)) follow_up(key);
  }
}

/// A policy that was not configured until now, with what it remembers.
Runner::Slot Runner::remembered(const Policy& policy) {
  Slot slot;
  slot.state.policy = policy.name;
  if (auto found = removed_.extract(policy.name)) {
    slot.state = std::move(found.mapped());
    observer_.policy_restored(policy, slot.state);
  }
  return slot;
}

/// Takes up a run that an earlier process left in the middle.
void Runner::follow_up(Key key) {
  const auto& state = slots_[key].state;
  if (state.phase == RunPhase::enqueuing) {
    apply(key, event::Restarted{});
  } else if (state.phase == RunPhase::waiting) {
    const auto sync_id = state.sync_id;
    policies_of_sync_.emplace(sync_id, state.policy);
    try {
      if (!service_.follow(sync_id)) apply(key, event::Restarted{});
    } catch (const Error& error) {
      apply(key, event::Refused{.why = error.failure()});
    }
  }
}

void Runner::schedule(Key key, WallTime due) {
  due_.set(key, due);
  observer_.run_scheduled(slots_[key].policy, due);
}

bool Runner::trigger(const std::string& policy) {
  const auto found = by_name_.find(policy);
  if (found == by_name_.end()) return false;
  auto& slot = slots_[found->second];
  if (slot.state.phase == RunPhase::enqueuing) slot.asked_again = true;
  apply(found->second, event::Asked{});
  recorder_.record(slot.state);  // a step that was not worth it by itself is now
  return true;
}

void Runner::hint(size_t position) {
  auto& slot = slots_.at(position);
  const auto at = std::max(clock_.steady(), slot.hints_from);
  slot.hint_at = slot.hint == Hint::waits ? std::min(slot.hint_at, at) : at;
  slot.hint = Hint::waits;
  follow_hint(static_cast<Key>(position));
}

void Runner::follow_hint(Key key) {
  const auto due = due_by_hint(slots_[key]);
  if (due < due_.due(key)) schedule(key, due);
}

WallTime Runner::due_by_hint(const Slot& slot) const {
  if (slot.hint != Hint::waits || slot.state.phase != RunPhase::idle) return WallTime::max();
  const auto wait = std::max(SteadyTime::duration::zero(), slot.hint_at - clock_.steady());
  const auto due = clock_.now() + std::chrono::ceil<milliseconds>(wait);
  return std::max(due, slot.state.not_before.value_or(due));
}

void Runner::tick() {
  const auto now = clock_.now();
  notice_clock_jump(now);
  if (stopped_) return;
  if (scheduling_) start_due(now);
  for (const auto& [key, at] : retries_.take_due(now)) apply(key, event::RetryDue{});
}

void Runner::start_due(WallTime now) {
  for (const auto& [key, at] : due_.take_due(now)) {
    const auto& slot = slots_[key];
    const bool idle = slot.state.phase == RunPhase::idle;
    apply(key, event::Due{.at = at});
    if (idle && slot.state.phase != RunPhase::idle) observer_.run_started(slot.policy, now - at);
    schedule(key, std::min(next_due(slot.policy, now, slot.state.last_change), due_by_hint(slot)));
  }
}

SteadyTime Runner::next_wake() const {
  if (stopped_) return SteadyTime::max();
  const auto next = scheduling_ ? std::min(due_.next(), retries_.next()) : retries_.next();
  if (next == WallTime::max()) return SteadyTime::max();
  return clock_.steady() + std::max(milliseconds{}, next - clock_.now());
}

/// Due times are wall times. When the wall clock was set back, those computed before would come too late.
void Runner::notice_clock_jump(WallTime now) {
  const auto steady = clock_.steady();
  const auto expected = last_wall_ + std::chrono::duration_cast<milliseconds>(steady - last_steady_);
  last_wall_ = now;
  last_steady_ = steady;
  if (now >= expected - seconds(1)) return;
  for (Key key = 0; key < slots_.size(); ++key) {
    const auto& slot = slots_[key];
    mend_after_clock_change(key, now);
    schedule(key, std::min({due_.due(key), next_due(slot.policy, now, slot.state.last_change),
                            due_by_hint(slot)}));
  }
}

void Runner::mend_after_clock_change(Key key, WallTime now) {
  auto& state = slots_[key].state;
  auto mended = after_clock_set_back(state, now);
  if (mended == state) return;
  state = std::move(mended);
  recorder_.record(state);
  if (state.phase == RunPhase::backing_off) retries_.set(key, state.retry_at);
}

void Runner::apply(Key key, const RunEvent& event) {
  auto& slot = slots_[key];
  const auto now = clock_.now();
  auto step = next_step(slot.policy, slot.state, event, now, roll_());
  if (step.raise && !service_.raise(slot.state.sync_id, Priority::manual)) slot.asked_again = true;
  if (step.state == slot.state && !step.enqueue) return;
  const auto was = std::exchange(slot.state, std::move(step.state));
  if (!need_not_be_written(slot.state)) recorder_.record(slot.state);

  if (slot.state.phase == RunPhase::backing_off) {
    retries_.set(key, slot.state.retry_at);
  } else {
    retries_.remove(key);
  }
  if (step.failed) {
    const bool again = slot.state.phase == RunPhase::backing_off;
    observer_.attempt_failed(slot.policy, *step.failed,
                             again ? std::optional(slot.state.retry_at - now) : std::nullopt);
  }
  if (step.finished) observer_.run_finished(slot.policy, was, slot.state);
  if (slot.state.last_change != was.last_change) look_sooner(key);
  if (step.finished) settle_hint(key, !step.failed);
  if (step.enqueue) {
    slot.asked_again = false;
    if (slot.hint == Hint::waits) {
      slot.hint = Hint::followed;
      slot.hints_from = clock_.steady() + hint_spacing;
      schedule(key, next_due(slot.policy, now, slot.state.last_change));  // what the hint made due is begun
    }
    const bool again = std::holds_alternative<event::Restarted>(event);
    ask(key, *step.enqueue, again ? slot.state.last_attempt : std::nullopt);
  } else if (slot.state.phase == RunPhase::idle) {
    run_again(key);
  }
}

/// What was asked for too late for the run that has just ended.
void Runner::run_again(Key key) {
  if (std::exchange(slots_[key].asked_again, false) && !stopped_) apply(key, event::Asked{});
}

/// A run has ended. One that failed leaves the hint to another, which would fare no better at once.
void Runner::settle_hint(Key key, bool completed) {
  auto& slot = slots_[key];
  if (completed) {
    if (slot.hint == Hint::followed) slot.hint = Hint::none;
  } else if (slot.hint != Hint::none) {
    slot.hint = Hint::waits;
    slot.hint_at = clock_.steady() + hint_wait(slot.policy.retry, slot.state.consecutive_failures, roll_());
  }
  follow_hint(key);
}

/// A scheduled request whose loss leaves nothing behind is written down with its answer.
bool Runner::need_not_be_written(const PolicyState& state) const {
  return state.phase == RunPhase::enqueuing && state.trigger == Priority::scheduled && state.attempt == 1 &&
         service_.lost_requests_leave_nothing();
}

/// After a change the interval of an adaptive policy is a short one again.
void Runner::look_sooner(Key key) {
  const auto& slot = slots_[key];
  if (!std::holds_alternative<Adaptive>(slot.policy.schedule)) return;
  const auto due = next_due(slot.policy, clock_.now(), slot.state.last_change);
  if (due < due_.due(key)) schedule(key, due);
}

void Runner::ask(Key key, Priority priority, std::optional<WallTime> asked_before) {
  const auto& policy = slots_[key].policy;
  auto request = request_of(policy, priority);
  request.asked_before = asked_before;
  service_.enqueue(request, [this, name = policy.name](const Sync* sync, const Failure* refused) {
    const auto found = by_name_.find(name);
    if (found == by_name_.end()) return;  // removed by a reload meanwhile
    if (sync != nullptr) {
      policies_of_sync_.emplace(sync->id, name);
      apply(found->second, event::Enqueued{.sync_id = sync->id});
    } else {
      apply(found->second, event::Refused{.why = *refused});
    }
  });
}

void Runner::sync_changed(const Sync& sync) {
  if (!sync.terminal()) return;
  std::vector<std::string> names;
  const auto [first, last] = policies_of_sync_.equal_range(sync.id);
  for (auto it = first; it != last; ++it) names.push_back(it->second);
  policies_of_sync_.erase(first, last);
  for (const auto& name : names) {
    const auto found = by_name_.find(name);
    if (found == by_name_.end() || slots_[found->second].state.sync_id != sync.id) continue;
    if (sync.status == SyncStatus::completed) {
      apply(found->second, event::Completed{.counts = sync.refs ? count(*sync.refs) : RefCounts{},
                                            .at = sync.finished_at.value_or(clock_.now())});
    } else {
      apply(found->second, event::Failed{.why = sync.failure.value_or(Failure{})});
    }
    if (sync.finished_at && *sync.finished_at < begun_) catch_up(found->second);
  }
}

/// The end of a sync that an earlier process saw, or missed, stands for none of the runs due since.
void Runner::catch_up(Key key) {
  const auto& slot = slots_[key];
  const auto now = clock_.now();
  if (missed_a_run(slot.policy, slot.state, now)) schedule(key, std::min(due_.due(key), now));
}

std::vector<std::string> forgettable_policies(std::span<const PolicyState> states,
                                              std::span<const Policy> configured, WallTime before) {
  std::unordered_set<std::string_view> kept;
  for (const auto& policy : configured) kept.insert(policy.name);
  std::vector<std::string> names;
  for (const auto& state : states) {
    const auto last = std::max(state.last_due, state.last_attempt);
    if (!kept.contains(state.policy) && last < before) names.push_back(state.policy);
  }
  return names;
}

Runner::View Runner::view(size_t index) const {
  const auto& slot = slots_[index];
  const auto due = due_.due(static_cast<Key>(index));
  return {.policy = slot.policy,
          .state = slot.state,
          .next_due = due == WallTime::max() ? std::nullopt : std::optional(due)};
}

std::optional<Runner::View> Runner::find(const std::string& policy) const {
  const auto found = by_name_.find(policy);
  return found == by_name_.end() ? std::nullopt : std::optional(view(found->second));
}

}  // namespace refsyncd
