#include "run/explain.h"

#include <fmt/format.h>

#include "base/duration.h"

namespace refsyncd {
namespace {

/// "in 3m20s", to the second.
std::string in(WallTime then, WallTime now) {
  const auto left = std::chrono::ceil<std::chrono::seconds>(std::max(then - now, milliseconds{}));
  return left.count() == 0 ? "now" : "in " + format_duration(left);
}

std::string explain_idle(const Runner::View& view, WallTime now) {
  const auto& state = view.state;
  if (state.not_before && *state.not_before > now) {
    const auto why = state.last_failure ? to_string(state.last_failure->kind) : "failure";
    return fmt::format("held back after {}; scheduled runs go on {}, or at once by hand or reload", why,
                       in(*state.not_before, now));
  }
  if (!view.next_due) return "not scheduled";
  return fmt::format("next due {}", in(*view.next_due, now));
}

}  // namespace

std::string explain(const Runner::View& view, WallTime now, const std::string& waiting_for) {
  const auto& state = view.state;
  switch (state.phase) {
    case RunPhase::idle: return explain_idle(view, now);
    case RunPhase::enqueuing: return "being enqueued";
    case RunPhase::waiting:
      return waiting_for.empty() ? "" : fmt::format("sync queued, waiting for {}", waiting_for);
    case RunPhase::backing_off:
      return fmt::format("backing off after attempt {} of {}; next {}", state.attempt,
                         view.policy.retry.attempts, in(state.retry_at, now));
  }
  return "";
}

}  // namespace refsyncd
