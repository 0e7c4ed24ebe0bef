#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "model/sync.h"

namespace refsyncd {

/// Where a policy's current run stands.
enum class RunPhase {
  idle,         ///< no run; waiting for the next due time
  enqueuing,    ///< a sync was asked for; the service has not answered yet
  waiting,      ///< the sync `sync_id` is queued or in progress
  backing_off,  ///< the last attempt failed; the next one is asked for at `retry_at`
};
std::string_view to_string(RunPhase);
std::optional<RunPhase> run_phase_from(std::string_view);

/// What a policy remembers, over restarts too. Written to the store before any step it stands for is taken.
struct PolicyState {
  std::string policy;
  RunPhase phase = RunPhase::idle;
  Priority trigger = Priority::scheduled;  ///< what began the current run: manual or scheduled
  int attempt = 0;                         ///< of the current run, from 1; 0 when idle
  std::string sync_id;                     ///< of the current attempt while waiting; of the last one else
  WallTime retry_at{};                     ///< while backing off
  std::optional<WallTime> last_due;        ///< the scheduled time the last scheduled run stands for
  std::optional<WallTime> last_attempt;    ///< when a sync was last asked for
  std::optional<WallTime> last_success;    ///< when a run last completed
  std::optional<WallTime>
      last_change;  ///< when a run last updated a ref; until one does, when a run first completed
  std::optional<WallTime>
      not_before;                ///< scheduled runs wait until then (auth, not_found, untrusted, bad_config)
  int consecutive_failures = 0;  ///< runs failed since the last success
  std::optional<Failure> last_failure;  ///< of the last failed attempt; cleared by a success
  RefCounts last_counts;                ///< refs of the last completed sync

  bool operator==(const PolicyState&) const = default;
};

}  // namespace refsyncd
