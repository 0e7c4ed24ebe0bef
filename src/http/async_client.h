#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/loop.h"

namespace refsyncd {

/// One request to a server, as HttpClient sends it.
struct HttpSend {
  std::string method = "GET";
  std::string url;  ///< http or https, absolute
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};                               ///< sent when not empty, or when the method is POST
  milliseconds timeout = std::chrono::seconds(30);     ///< of the whole request, from the moment it is sent
  milliseconds first_byte = std::chrono::seconds(20);  ///< until the answer begins
  milliseconds stall = std::chrono::seconds(10);       ///< without one byte in either direction
  size_t answer_limit = 16 << 20;                      ///< bytes of the answer's body
};

/// What the server said. Any status is an answer.
struct HttpAnswer {
  int status = 0;
  std::string content_type;
  std::string body;
  std::optional<milliseconds> retry_after;  ///< from Retry-After, seconds or date; at most a day
};

/// Why there is no answer.
struct HttpTrouble {
  Failure failure;  ///< transient, untrusted (TLS), bad_config (a URL that cannot work, a refused address)
  bool maybe_acted = false;  ///< the request may have reached the server: false only when it surely did not
};

/// Sends requests over few connections that are kept, multiplexed where the server offers HTTP/2 (libcurl's
/// multi interface on the loop). Everything happens on the loop's thread; no call blocks. Follows no
/// redirect. Uses the usual proxy variables (https_proxy, no_proxy ...) unless told not to.
class HttpClient {
 public:
  struct Settings {
    size_t connections = 1;  ///< to one host, at once
    size_t streams = 32;     ///< requests at once over an HTTP/2 connection; over HTTP/1.1 one a connection
    bool proxies = true;     ///< obey the proxy variables of the environment
    bool public_only =
        false;  ///< refuse to connect to loopback, private, link-local and other special addresses
    milliseconds connect_timeout = std::chrono::seconds(10);
  };
  /// Exactly one of the two is set. Called once, on the loop's thread, never from within send().
  using Done = std::function<void(const HttpAnswer* answer, const HttpTrouble* trouble)>;

  /// The loop outlives the client. Throws Error(internal) when libcurl cannot start.
  HttpClient(Loop& loop, const Clock& clock, Settings settings);
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  /// Drops what is not over; no Done is called any more.
  ~HttpClient();

  /// Queues a request; it is sent when a connection or stream is free. A request's times run from then on.
  void send(HttpSend request, Done done);
  /// Requests not over yet, queued ones included.
  size_t pending() const;
  /// Connections opened since the beginning.
  size_t connections_made() const;

  /// When tick() wants to be called; SteadyTime::max() for never.
  SteadyTime next_wake() const;
  void tick();

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace refsyncd
