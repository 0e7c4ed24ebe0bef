#pragma once
#include <optional>
#include <string>
#include <variant>

#include "model/policy.h"
#include "model/policy_state.h"

namespace refsyncd {

/// What can happen to a policy's run.
namespace event {
struct Due {  ///< the schedule's time has come
  WallTime at;
};
struct Asked {};   ///< somebody asked for a run by hand
struct Enqueued {  ///< the service took the sync
  std::string sync_id;
};
struct Refused {  ///< the service did not take it
  Failure why;
};
struct Completed {  ///< the sync reached its end
  RefCounts counts;
  WallTime at;  ///< when; long ago, when the agent was away
};
struct Failed {  ///< the sync failed
  Failure why;
};
struct RetryDue {};  ///< the wait before the next attempt is over
struct Restarted {
};  ///< the agent came back and does not know whether the sync was ever enqueued, or the service forgot it
}  // namespace event
using RunEvent = std::variant<event::Due, event::Asked, event::Enqueued, event::Refused, event::Completed,
                              event::Failed, event::RetryDue, event::Restarted>;

/// What is to be done about it. Everything is to be written down before it is done.
struct RunStep {
  PolicyState state;                     ///< the policy's new state
  std::optional<Priority> enqueue = {};  ///< ask the service for a sync, this urgently
  bool raise = false;                    ///< make the sync of the current attempt urgent, while it waits
  std::optional<Failure> failed = {};    ///< an attempt failed with this
  bool finished = false;                 ///< the run has ended; the state says how
};

/// The rules of a run, pure. An event that makes no sense in the state changes nothing.
///  - A run makes up to retry.attempts attempts; between them it backs off. Failures that a person must mend
///    (worth_retrying_soon() is false) end the run at once and keep scheduled runs away for a while.
///  - What comes due during a run is part of it: a policy never runs twice at once, and never queues up.
/// `roll` is a die in [0, 1).
RunStep next_step(const Policy& policy, const PolicyState& state, const RunEvent& event, WallTime now,
                  double roll);

/// The state after the wall clock was set back behind the last attempt: waits that count from it last as long
/// as they did, from now on. Any other state comes back as it was.
PolicyState after_clock_set_back(PolicyState state, WallTime now);

}  // namespace refsyncd
