#pragma once
#include <chrono>
#include <future>

#include "base/error.h"

namespace refsyncd {

/// How long an HTTP thread waits for the loop.
inline constexpr auto loop_patience = std::chrono::seconds(5);

/// Waits for what the loop answers, but not for a loop that turns no more, which `stopped` tells. Throws
/// Error(transient) when the answer does not come, and what the answer throws.
template <class T, class Stopped>
T wait_for(std::future<T>& answer, std::chrono::seconds at_most, Stopped stopped) {
  const auto until = std::chrono::steady_clock::now() + at_most;
  while (answer.wait_for(std::chrono::milliseconds(100)) != std::future_status::ready) {
    if (stopped()) throw Error(ErrorKind::transient, "the agent has stopped");
    if (std::chrono::steady_clock::now() >= until) {
      throw Error(ErrorKind::transient, "the agent is busy; try again", std::chrono::seconds(1));
    }
  }
  return answer.get();
}

}  // namespace refsyncd
