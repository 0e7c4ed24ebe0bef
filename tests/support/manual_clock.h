#pragma once
#include "base/clock.h"

namespace refsyncd {

/// A clock that moves when the test says so. `advance` moves both times; setting `wall` alone is a clock
/// jump.
class ManualClock final : public Clock {
 public:
  WallTime wall = WallTime{std::chrono::sys_days{std::chrono::year{2026} / 1 / 5}};  // a Monday, midnight UTC
  SteadyTime monotonic{};

  WallTime now() const override { return wall; }
  SteadyTime steady() const override { return monotonic; }
  void advance(milliseconds by) {
    wall += by;
    monotonic += by;
  }
};

}  // namespace refsyncd
