#include "git/pack_relay.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace refsyncd {
namespace {

/// A socket, for writing to a pipe without a reader would raise a signal. False when the reader is gone.
bool send_all(const FileDescriptor& to, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto count = ::send(to.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

/// Waits until the source has something to say; false when the reader is gone before that.
bool wait_for(const FileDescriptor& source, const FileDescriptor& to) {
  for (;;) {
    std::array<pollfd, 2> watched{pollfd{source.get(), POLLIN, 0}, pollfd{to.get(), 0, 0}};
    if (::poll(watched.data(), watched.size(), -1) < 0) continue;
    if (watched[1].revents != 0) return false;
    if (watched[0].revents != 0) return true;
  }
}

void relay(const std::string& first, const FileDescriptor& source, const FileDescriptor& to) {
  if (!send_all(to, first)) return;
  std::array<char, size_t{64} << 10> buffer{};
  while (wait_for(source, to)) {
    const auto count = ::read(source.get(), buffer.data(), buffer.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count <= 0 || !send_all(to, {buffer.data(), static_cast<size_t>(count)})) return;
  }
}

}  // namespace

PackRelay::PackRelay(std::string first, FileDescriptor rest) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    throw Error(ErrorKind::internal, std::string("passing a pack on: ") + std::strerror(errno));
  reader_.reset(ends[0]);
  thread_ = std::thread([first = std::move(first), rest = std::move(rest), to = FileDescriptor(ends[1])] {
    relay(first, rest, to);
  });
}

PackRelay::~PackRelay() {
  reader_.reset();
  thread_.join();
}

}  // namespace refsyncd
