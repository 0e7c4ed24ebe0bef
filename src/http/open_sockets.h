#pragma once
#include <condition_variable>
#include <mutex>
#include <set>

namespace refsyncd {

/// The sockets of a server's open connections, so that all of them can be ended before the server stops. It
/// owns none: who adds a socket removes it before closing it. Every function may be called from any thread.
class OpenSockets {
 public:
  /// Once end_all() has begun, the socket is shut down at once and nobody waits for it.
  void add(int socket) noexcept;
  void remove(int socket) noexcept;

  /// Shuts every socket down in both directions and waits until all are removed. From then on nothing can be
  /// sent on them; what has arrived already can still be read.
  void end_all();

 private:
  std::mutex mutex_;
  std::condition_variable removed_;
  std::set<int> open_;
  bool ending_ = false;
};

}  // namespace refsyncd
