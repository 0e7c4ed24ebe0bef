#pragma once
#include "run/runner.h"
#include "support/fakes.h"
#include "support/manual_clock.h"

namespace refsyncd {

using namespace std::chrono_literals;

inline const Failure network{.kind = ErrorKind::transient, .message = "network down", .retry_after = {}};

inline Policy every(const std::string& name, milliseconds interval) {
  Policy policy;
  policy.name = name;
  policy.repo = name;
  policy.schedule = Every{interval};
  policy.retry = {.attempts = 3, .first = 2s, .max = 1min};
  return policy;
}

/// A runner with everything around it faked but the rules.
struct Bench {
  ManualClock clock;
  FakeService service;
  MemoryRecorder recorder;
  RecordingObserver observer;
  Runner runner{clock, service, recorder, observer, [] { return 0.5; }};

  Bench() { service.set_listener(runner); }
  void tick() {
    runner.tick();
    recorder.settle();
  }
  void advance_to(WallTime at) {
    clock.advance(at - clock.now());
    tick();
  }
  const PolicyState& state(const std::string& name) { return runner.find(name)->state; }
};

}  // namespace refsyncd
