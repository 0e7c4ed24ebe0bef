#pragma once
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "model/observer.h"
#include "model/store.h"
#include "model/sync_service.h"
#include "run/attempt.h"
#include "schedule/plan.h"

namespace refsyncd {

/// Drives all policies: starts what is due, follows each run through next_step(), writes every step down, and
/// asks the service. Lives on the loop's thread; owns no thread and never waits.
class Runner final : public SyncListener {
 public:
  /// `roll` gives dice in [0, 1) for backoff.
  Runner(const Clock& clock, SyncService& service, Recorder& recorder, Observer& observer,
         std::function<double()> roll);

  /// Sets the policies and, at start, what they remember. Interrupted runs go on where they were. On a reload
  /// (`states` empty) policies that stay, or that come back, keep their state (and due time, unless they were
  /// edited), and those held back after failures may run again. The observer hears of each state taken up.
  void configure(std::vector<Policy> policies, std::vector<PolicyState> states);

  /// Begins a run by hand, or speeds up one that backs off or waits for its turn. A run that may have looked
  /// too early is followed by one more, by hand too; that promise is kept in memory only. False when there is
  /// no such policy.
  bool trigger(const std::string& policy);

  /// Says that the upstream of the policy at this position has just changed: what its next due time would do
  /// comes soon, at the priority of the schedule. A run that is under way may have looked too early, so one
  /// more follows it. Hints that come in quick succession lead to one run; a policy that is held back after a
  /// failure runs when that is over. A hint is answered by a sync that was asked for after it came and that
  /// completes: when a run ends without one, another follows after hint_wait(). Kept in memory only: the next
  /// due time makes up for one that is lost.
  void hint(size_t position);

  /// Starts what is due. Call at next_wake() or later.
  void tick();
  SteadyTime next_wake() const;

  /// From now on due times are let pass; runs by hand and their retries go on.
  void stop_schedule() { scheduling_ = false; }
  /// From now on nothing new is started; running attempts are still followed.
  void stop_starting() { stopped_ = true; }

  void sync_changed(const Sync& sync) override;

  /// A policy as it stands.
  struct View {
    const Policy& policy;
    const PolicyState& state;
    std::optional<WallTime> next_due;
  };
  size_t size() const { return slots_.size(); }
  View view(size_t index) const;
  std::optional<View> find(const std::string& policy) const;

 private:
  enum class Hint {
    none,      // or answered
    waits,     // no sync was asked for since it came
    followed,  // one was, and may yet fail
  };
  struct Slot {
    Policy policy;
    PolicyState state;
    bool asked_again = false;  // by hand, perhaps too late for the sync under way: a run is to follow it
    Hint hint = Hint::none;
    SteadyTime hint_at{};     // a hint that waits makes the policy due then, once it is idle
    SteadyTime hints_from{};  // a new hint makes it due then at the soonest
  };
  using Key = Plan::Key;

  Slot remembered(const Policy& policy);
  void apply(Key key, const RunEvent& event);
  bool need_not_be_written(const PolicyState& state) const;
  void ask(Key key, Priority priority, std::optional<WallTime> asked_before);
  void follow_up(Key key);
  void catch_up(Key key);
  void mend_after_clock_change(Key key, WallTime now);
  void schedule(Key key, WallTime due);
  void run_again(Key key);
  void follow_hint(Key key);
  void settle_hint(Key key, bool completed);
  WallTime due_by_hint(const Slot& slot) const;
  void look_sooner(Key key);
  void start_due(WallTime now);
  void notice_clock_jump(WallTime now);

  const Clock& clock_;
  SyncService& service_;
  Recorder& recorder_;
  Observer& observer_;
  std::function<double()> roll_;
  std::vector<Slot> slots_;
  std::unordered_map<std::string, Key> by_name_;
  std::unordered_map<std::string, PolicyState>
      removed_;  // what policies remember that are not configured now
  std::unordered_multimap<std::string, std::string> policies_of_sync_;  // sync id -> policy name
  Plan due_;
  Plan retries_;
  const WallTime begun_;
  WallTime last_wall_{};
  SteadyTime last_steady_{};
  bool scheduling_ = true;
  bool stopped_ = false;
};

/// Policies that somebody remembers, that are not configured, and that were last due or asked for before
/// `before`: nobody will miss them.
std::vector<std::string> forgettable_policies(std::span<const PolicyState> states,
                                              std::span<const Policy> configured, WallTime before);

/// The request a policy makes.
SyncRequest request_of(const Policy& policy, Priority priority);

}  // namespace refsyncd
