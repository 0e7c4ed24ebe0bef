#include "http/open_sockets.h"

#include <sys/socket.h>

#include <algorithm>

namespace refsyncd {

void OpenSockets::add(int socket, Time until) noexcept try {
  const std::lock_guard lock(mutex_);
  if (ending_) {
    ::shutdown(socket, SHUT_RDWR);
    return;
  }
  open_.insert_or_assign(socket, until);
  if (until < look_at_) sooner_.notify_all();
} catch (...) {
  ::shutdown(socket, SHUT_RDWR);  // out of memory
}

void OpenSockets::extend(int socket, Time until) noexcept {
  const std::lock_guard lock(mutex_);
  const auto found = open_.find(socket);
  if (found == open_.end()) return;
  found->second = until;
  if (until < look_at_) sooner_.notify_all();
}

void OpenSockets::remove(int socket) noexcept {
  const std::lock_guard lock(mutex_);
  open_.erase(socket);
  removed_.notify_all();
}

void OpenSockets::end_late_ones(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const auto now = std::chrono::steady_clock::now();
    look_at_ = Time::max();
    for (auto& [socket, until] : open_) {
      if (until <= now) {
        ::shutdown(socket, SHUT_RDWR);
        until = Time::max();
      }
      look_at_ = std::min(look_at_, until);
    }
    const auto earlier = [&] {
      return std::any_of(open_.begin(), open_.end(),
                         [&](const auto& entry) { return entry.second < look_at_; });
    };
    sooner_.wait_until(lock, stop, std::min(look_at_, now + std::chrono::hours(1)), earlier);
  }
}

void OpenSockets::end_all() {
  std::unique_lock lock(mutex_);
  ending_ = true;
  for (const auto& [socket, until] : open_) ::shutdown(socket, SHUT_RDWR);
  removed_.wait(lock, [&] { return open_.empty(); });
}

}  // namespace refsyncd
