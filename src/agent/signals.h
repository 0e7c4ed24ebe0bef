#pragma once
#include <functional>

#include "base/handle.h"
#include "base/loop.h"

namespace refsyncd {

/// Receives SIGTERM, SIGINT and SIGHUP on the loop's thread. Must be made before any other thread, which
/// inherit that the signals are blocked.
class Signals {
 public:
  Signals();
  /// Calls `stop` for SIGTERM and SIGINT and `reload` for SIGHUP, from the loop.
  void watch(Loop& loop, std::function<void()> stop, std::function<void()> reload);

 private:
  FileDescriptor descriptor_;
};

}  // namespace refsyncd
