#pragma once
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "http/listen.h"
#include "http/open_sockets.h"

struct MHD_Daemon;

namespace refsyncd {

/// A request as the handler sees it: decoded, complete, within the server's limits.
struct HttpRequest {
  using Fields = std::map<std::string, std::string, std::less<>>;

  std::string method;  ///< "GET", "POST" ... as sent, but HEAD arrives as GET: the server leaves the body out
  std::string
      path;        ///< percent-decoded, begins with '/', holds no control characters; may be any other bytes
  Fields query;    ///< decoded; of a name given twice, the first value; may be any bytes
  Fields headers;  ///< names in lower case
  std::string body;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body = {};
  std::map<std::string, std::string> headers =
      {};  ///< besides Content-Type, Content-Length, Date and Connection
};

/// What one server takes on. Who goes over it is answered with 413 or 431, kept waiting, or cut off.
struct HttpLimits {
  size_t header_bytes = 32 << 10;  ///< memory of one connection: request line, headers and query together
  size_t body_bytes = 1 << 20;
  /// Larger bounds of the body, by path.
  std::map<std::string, size_t, std::less<>> body_bytes_at = {};
  /// As many bytes may be held beyond body_bytes, by all requests together. One that needs more gets a 503.
  size_t extra_bytes = 32 << 20;
  unsigned connections = 256;          ///< at once; more wait in the kernel's queue
  unsigned connections_a_client = 64;  ///< of one IP address; more are closed at once. Not for Unix sockets.
  std::chrono::seconds idle{15};       ///< a connection on which nothing moves for so long is closed
  /// However busy a connection is: one whose request's head takes longer than that is closed, and so when the
  /// body takes longer.
  std::chrono::seconds request{30};
  std::chrono::seconds answer{300};  ///< so for making the answer and sending it
  unsigned threads = 4;              ///< how many handlers run at once
};

/// An HTTP/1.1 server on one listening socket. It starts in the constructor and stops in the destructor,
/// which waits for handlers that run and cuts off all connections. Its threads inherit the caller's signal
/// mask.
class HttpServer {
 public:
  /// Answers a request. Called from several of the server's threads at once. It must return within a bounded
  /// time: it holds up the other connections of its thread. What it throws becomes a 500.
  using Handler = std::function<HttpResponse(const HttpRequest&)>;

  /// Throws Error(internal) when the threads cannot be started.
  HttpServer(ListenSocket socket, Handler handler, const HttpLimits& limits = {});
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer();

  /// "127.0.0.1:9480" with the real port, or the Unix socket's path.
  const std::string& address() const { return socket_.address(); }
  /// 0 on a Unix socket.
  uint16_t port() const { return socket_.port(); }

 private:
  struct Exchange;
  struct StopDaemon {
    void operator()(MHD_Daemon* daemon) const;
  };

  ListenSocket socket_;
  Handler handler_;
  HttpLimits limits_;
  mutable std::atomic<size_t> extra_bytes_ = 0;  // of bodies that are being received or answered
  mutable OpenSockets open_sockets_;
  std::jthread ending_late_ones_;
  std::unique_ptr<MHD_Daemon, StopDaemon> daemon_;  // last: its threads use everything above
};

}  // namespace refsyncd
