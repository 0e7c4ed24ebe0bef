#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/handle.h"

namespace refsyncd {

/// A TCP connection to a port of this machine that sends exactly the bytes it is told to: for requests no
/// HTTP library would make. Gives up waiting after 20 s.
class RawConnection {
 public:
  explicit RawConnection(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error("connect failed");
    }
  }

  /// False when the other side has closed.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  /// Closing will throw away what is under way in either direction and reset the connection.
  void close_abruptly() {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }

  /// Everything until the other side closes (or resets).
  std::string read_to_end() {
    std::string all;
    while (read_some(all)) {
    }
    return all;
  }

  /// Reads until `end` has come, or the other side closes.
  std::string read_until(std::string_view end) {
    std::string all;
    while (all.find(end) == std::string::npos && read_some(all)) {
    }
    return all;
  }

 private:
  bool read_some(std::string& to) {
    pollfd waiting{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, 20'000) != 1) throw std::runtime_error("nothing came for 20 s");
    char buffer[4096];
    const auto count = ::recv(socket_.get(), buffer, sizeof buffer, 0);
    if (count <= 0) return false;
    to.append(buffer, static_cast<size_t>(count));
    return true;
  }

  FileDescriptor socket_;
};

}  // namespace refsyncd
