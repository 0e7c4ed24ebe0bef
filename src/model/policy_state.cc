#include "model/policy_state.h"

namespace refsyncd {

std::string_view to_string(RunPhase phase) {
  switch (phase) {
    case RunPhase::idle: return "idle";
    case RunPhase::enqueuing: return "enqueuing";
    case RunPhase::waiting: return "waiting";
    case RunPhase::backing_off: return "backing_off";
  }
  return "idle";
}

std::optional<RunPhase> run_phase_from(std::string_view name) {
  using enum RunPhase;
  for (const auto phase : {idle, enqueuing, waiting, backing_off}) {
    if (to_string(phase) == name) return phase;
  }
  return std::nullopt;
}

}  // namespace refsyncd
