#pragma once
#include <chrono>

namespace refsyncd {

/// A moment of the calendar, UTC, whole milliseconds. Schedules, records and everything a user reads use it.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;
/// A moment that never jumps. Deadlines and measured durations use it.
using SteadyTime = std::chrono::steady_clock::time_point;
using std::chrono::milliseconds;

/// Where time comes from for whatever decides by it; only what waits for a while itself looks at the steady
/// clock. Safe to call from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime now() const = 0;
  virtual SteadyTime steady() const = 0;
};

/// The machine's clocks.
class SystemClock final : public Clock {
 public:
  WallTime now() const override;
  SteadyTime steady() const override;
};

}  // namespace refsyncd
