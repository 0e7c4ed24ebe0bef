#pragma once
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <stop_token>

namespace refsyncd {

/// The sockets of a server's open connections, so that each can be ended when its time is over, and all of
/// them before the server stops. It owns none: who adds a socket removes it before closing it. Every function
/// may be called from any thread.
class OpenSockets {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// Once end_all() has begun, the socket is shut down at once and nobody waits for it.
  void add(int socket, Time until) noexcept;
  /// Gives the socket another time. One that is not there is ignored.
  void extend(int socket, Time until) noexcept;
  void remove(int socket) noexcept;

  /// Shuts down every socket whose time is over, until it is told to stop.
  void end_late_ones(const std::stop_token& stop);

  /// Shuts every socket down in both directions and waits until all are removed. From then on nothing can be
  /// sent on them; what has arrived already can still be read.
  void end_all();

 private:
  std::mutex mutex_;
  std::condition_variable removed_;
  std::condition_variable_any sooner_;  // an earlier time than look_at_ was given
  std::map<int, Time> open_;
  Time look_at_ = Time::max();
  bool ending_ = false;
};

}  // namespace refsyncd
