#include "http/open_sockets.h"

#include <sys/socket.h>

namespace refsyncd {

void OpenSockets::add(int socket) noexcept try {
  const std::lock_guard lock(mutex_);
  if (ending_) {
    ::shutdown(socket, SHUT_RDWR);
  } else {
    open_.insert(socket);
  }
} catch (...) {
  ::shutdown(socket, SHUT_RDWR);  // out of memory
}

void OpenSockets::remove(int socket) noexcept {
  const std::lock_guard lock(mutex_);
  open_.erase(socket);
  removed_.notify_all();
}

void OpenSockets::end_all() {
  std::unique_lock lock(mutex_);
  ending_ = true;
  for (const int socket : open_) ::shutdown(socket, SHUT_RDWR);
  removed_.wait(lock, [&] { return open_.empty(); });
}

}  // namespace refsyncd
