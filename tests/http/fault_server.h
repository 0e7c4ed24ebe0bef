#pragma once
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <atomic>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/handle.h"
#include "http/listen.h"

namespace refsyncd {

/// The server's end of one connection: plain bytes, through TLS where the server speaks it.
class Peer {
 public:
  /// `ssl` may be null; it is borrowed.
  Peer(int socket, SSL* ssl) : socket_(socket), ssl_(ssl) {}

  /// False when the client has closed.
  bool send(std::string_view bytes);
  /// Exactly `count` bytes, or nothing when the client closes before.
  std::optional<std::string> read(size_t count);
  /// The next HTTP/1.1 request, head and body; nothing when the client closes.
  std::optional<std::string> read_request();
  /// An answer with a length, so that the connection can be kept.
  bool answer(std::string_view status_and_headers, std::string_view body = {});
  /// True when the TLS session was agreed on in an earlier connection.
  bool resumed() const { return SSL_session_reused(ssl_) == 1; }
  /// Ends the connection with a reset.
  void reset();
  void wait_for_close() {
    while (read(1)) {
    }
  }

 private:
  bool read_some();

  int socket_;
  SSL* ssl_;
  std::string buffer_;
};

/// A certificate for 127.0.0.1 of an authority of its own, made by openssl in the folder.
struct ServerCertificate {
  explicit ServerCertificate(const std::string& folder);

  std::string authority;    ///< PEM file of the authority's certificate
  std::string certificate;  ///< PEM file
  std::string key;          ///< PEM file
};

/// Accepts connections on the loopback address and plays a script on each, in a thread of its own. The
/// connection closes where the script ends; the destructor cuts off those that are open.
class FaultServer {
 public:
  using Script = std::function<void(Peer&)>;

  explicit FaultServer(Script script) : FaultServer(std::move(script), nullptr, {}) {}
  /// Speaks TLS, and of application protocols the one named ("h2"), if any.
  FaultServer(Script script, const ServerCertificate& certificate, const std::string& protocol = {})
      : FaultServer(std::move(script), &certificate, protocol) {}
  FaultServer(const FaultServer&) = delete;
  FaultServer& operator=(const FaultServer&) = delete;
  ~FaultServer();

  /// "127.0.0.1:40123"
  const std::string& address() const { return listening_.address(); }
  std::string url(const std::string& path = "/") const {
    return (context_ ? "https://" : "http://") + address() + path;
  }
  size_t connections() const { return connections_; }

 private:
  FaultServer(Script script, const ServerCertificate* certificate, const std::string& protocol);
  void accept_all();
  void serve(int socket);

  Script script_;
  std::string protocol_;  // as ALPN has it: its length before it
  Owned<SSL_CTX, SSL_CTX_free> context_;
  ListenSocket listening_;
  std::atomic<size_t> connections_ = 0;
  std::mutex mutex_;
  std::list<FileDescriptor> sockets_;
  std::vector<std::jthread> serving_;
  std::jthread accepting_;
};

}  // namespace refsyncd
