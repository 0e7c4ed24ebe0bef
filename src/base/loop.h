#pragma once
#include <functional>
#include <map>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "base/handle.h"

namespace refsyncd {

/// The one thread that decides. Work elsewhere reports back with post(); run_once() waits until something was
/// posted, a watched descriptor is readable, or the time is up, and then runs what came. Only post() may be
/// called from other threads.
class Loop {
 public:
  Loop();

  /// Hands a function to the loop's thread; it runs in the order posted. Never blocks.
  void post(std::function<void()> task);

  /// Calls `ready` on the loop's thread whenever the descriptor is readable. The descriptor must outlive the
  /// loop.
  void watch(int descriptor, std::function<void()> ready);

  /// Waits at most until `deadline` (steady time) and runs everything that is ready. Returns how many tasks
  /// ran.
  size_t run_once(SteadyTime deadline);

 private:
  FileDescriptor wakeup_;
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
  std::map<int, std::function<void()>> watched_;
};

}  // namespace refsyncd
