#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/handle.h"

namespace refsyncd {

/// A socket that listens, and its name. At the end a Unix socket's file goes too, unless another took its
/// place.
class ListenSocket {
 public:
  /// Listens on "127.0.0.1:9480", "[::1]:9480", "localhost:9480" or ":9480" (every address of the machine,
  /// IPv6 and IPv4); port 0 lets the kernel choose. `setting` is what the user changes to get another
  /// address: it is named in the error. Throws Error(transient) for what may pass (the address is in
  /// use), else Error(bad_config).
  static ListenSocket tcp(std::string_view address, std::string_view setting);

  /// Listens on a Unix socket that only our own user may connect to (mode 0600). A socket file left behind by
  /// a process that died is replaced; one that somebody listens on, and any other file, is not. Throws as
  /// tcp() does.
  static ListenSocket unix_path(const std::filesystem::path& path, std::string_view setting);

  ListenSocket(ListenSocket&& other) noexcept;
  ListenSocket& operator=(ListenSocket&&) = delete;
  ~ListenSocket();

  int descriptor() const { return socket_.get(); }
  /// Gives the descriptor away; the name stays, and with it the duty to remove the file.
  int release() { return socket_.release(); }
  /// "127.0.0.1:9480" with the real port, or the path.
  const std::string& address() const { return address_; }
  /// 0 for a Unix socket.
  uint16_t port() const { return port_; }
  bool is_unix() const { return !file_.empty(); }

 private:
  ListenSocket() = default;

  FileDescriptor socket_;
  std::string address_;
  uint16_t port_ = 0;
  std::filesystem::path file_;  // of a Unix socket, with its identity: we remove only what we made
  uint64_t device_ = 0;
  uint64_t inode_ = 0;
};

}  // namespace refsyncd
