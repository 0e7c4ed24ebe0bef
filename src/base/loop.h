#pragma once
#include <cstdint>
#include <functional>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/handle.h"

namespace refsyncd {

/// The one thread that decides. Work elsewhere reports back with post(); run_once() waits until something was
/// posted, a watched descriptor is ready, or the time is up, and then runs what came. Only post() may be
/// called from other threads.
class Loop {
 public:
  Loop();

  /// Hands a function to the loop's thread; it runs in the order posted. Never blocks.
  void post(std::function<void()> task);

  /// What a descriptor is watched for, and what it is ready for. One that is closed by the other side or
  /// broken is ready for both.
  struct Readiness {
    bool reading = false;
    bool writing = false;
  };
  using Watcher = std::function<void(Readiness)>;

  /// Calls `ready` on the loop's thread whenever the descriptor is readable. The descriptor stays open until
  /// unwatch() or the loop's end. Throws Error(internal) for one that cannot be waited for: a regular file,
  /// or none. A watched descriptor on which nothing happens costs nothing, however many there are.
  void watch(int descriptor, std::function<void()> ready);

  /// Calls `ready` whenever the descriptor is ready for one of the `wanted`, in place of what was said about
  /// it before.
  void watch(int descriptor, Readiness wanted, Watcher ready);

  /// Forgets the descriptor: its function is not called any more, not even when it is found ready in this
  /// round. Like watch(), may be called from within any function the loop calls; unknown descriptors are
  /// fine.
  void unwatch(int descriptor);

  /// Waits at most until `deadline` (steady time, to the millisecond) and runs what is ready. Returns how
  /// many tasks ran.
  size_t run_once(SteadyTime deadline);

 private:
  size_t run_posted();

  FileDescriptor polling_;
  FileDescriptor wakeup_;
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;

  struct Watched {
    Watcher ready;
    uint64_t serial = 0;  // tells it from an earlier watch of the same number
  };
  std::unordered_map<int, Watched> watched_;
  uint64_t watches_ = 0;
};

}  // namespace refsyncd
