#include "schedule/backoff.h"

#include <algorithm>

namespace refsyncd {
namespace {

using namespace std::chrono_literals;

/// `first`, doubled after each failure but the first, up to `ceiling`.
milliseconds doubled(milliseconds first, int failures, milliseconds ceiling) {
  auto grown = std::min(first, ceiling);
  for (; failures > 1 && grown < ceiling && grown > 0ms; --failures)
    grown = grown > ceiling / 2 ? ceiling : 2 * grown;
  return std::max(grown, 0ms);
}

/// How long a policy is left in peace after so many failed runs in a row.
milliseconds rest(int consecutive_failures) { return doubled(1min, consecutive_failures, 1h); }

milliseconds part_of(milliseconds whole, double factor) {
  return milliseconds(static_cast<int64_t>(static_cast<double>(whole.count()) * factor));
}

}  // namespace

milliseconds backoff(const RetryRule& rule, int failures, std::optional<milliseconds> asked, double roll) {
  roll = roll > 0 ? std::min(roll, 1.0) : 0.0;
  const auto half = doubled(rule.first, failures, rule.max) / 2;
  const auto own = half + part_of(half, roll);
  const auto floor = std::clamp<milliseconds>(asked.value_or(0ms), 0ms, longest_wish);
  return std::max(own, floor + part_of(floor / 10, roll));
}

milliseconds stay_away(ErrorKind kind, int consecutive_failures) {
  switch (kind) {
    case ErrorKind::auth:
    case ErrorKind::not_found:
    case ErrorKind::untrusted:
    case ErrorKind::bad_config: return rest(consecutive_failures);
    case ErrorKind::transient:
    case ErrorKind::throttled:
    case ErrorKind::internal: return 0ms;
  }
  return 0ms;
}

milliseconds hint_wait(const RetryRule& rule, int consecutive_failures, double roll) {
  return std::max(rest(consecutive_failures), backoff(rule, rule.attempts, {}, roll));
}

}  // namespace refsyncd
