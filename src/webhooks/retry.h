#pragma once
#include <optional>

#include "base/clock.h"

namespace refsyncd {

/// How often a delivery is tried at most.
inline constexpr int most_tries = 10;
/// How old an event may be for its delivery to be tried again after a failure.
inline constexpr milliseconds oldest_event = std::chrono::hours(24);

/// A try that failed, and what is known of it.
struct FailedTry {
  int attempts = 1;                   ///< tries of this delivery so far, this one included
  milliseconds age{};                 ///< since the event happened
  std::optional<int> status;          ///< the answer's; nothing when there was none
  std::optional<milliseconds> asked;  ///< Retry-After
};

/// How long to wait before the next try; nothing when the delivery is given up: after the tenth try, when the
/// event is a day old, and when the receiver says it is gone (410). The age counts so that a receiver that is
/// away for long holds back a day of events and not more: each is still tried once. The waits grow from 10 s
/// threefold, up to 18 h, so that ten tries take about a day; up to a fifth is taken off by `roll`, a die in
/// [0, 1). A wish of the receiver is a floor.
std::optional<milliseconds> wait_after(const FailedTry& failed, double roll);

}  // namespace refsyncd
