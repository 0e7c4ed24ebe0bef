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
  /// Sent as they are. A Content-Type is sent only when it stands here.
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};  ///< sent when not empty, or when the method is POST
  /// Of the whole request, from the moment it is sent: connecting has its own limit, waiting in the queue
  /// none.
  milliseconds timeout = std::chrono::seconds(30);
  milliseconds first_byte = std::chrono::seconds(20);  ///< until the answer begins, from the last byte sent
  milliseconds stall = std::chrono::seconds(10);       ///< between two pieces of the answer
  size_t answer_limit = 16 << 20;  ///< bytes of the answer's body; what is longer is not read on
};

/// What the server said. Any status is an answer.
struct HttpAnswer {
  int status = 0;
  std::string content_type;
  std::string body;                         ///< as sent: never decompressed
  std::optional<milliseconds> retry_after;  ///< from Retry-After, seconds or date; at most a day
  bool multiplexed = false;                 ///< came over a connection that carries several at once
};

/// Why there is no whole answer.
struct HttpTrouble {
  /// transient, untrusted (TLS), bad_config (a URL, header or CA file that cannot work, a refused address) or
  /// internal. The message names scheme, host and port, not the rest of the URL, which may be secret.
  Failure failure;
  bool maybe_acted = false;  ///< the request may have reached the server: false only when it surely did not
};

/// Sends requests over few connections that are kept, multiplexed where the server offers HTTP/2 (libcurl's
/// multi interface on the loop). Everything happens on the loop's thread; no call blocks. Follows no
/// redirect. Uses the usual proxy variables (https_proxy, no_proxy ...) unless told not to. Certificates are
/// always verified.
///
/// A kept connection may close under a request. GET and HEAD are then sent again, on another connection
/// (libcurl does so as long as no byte of an answer has come). Any other method is sent at most once: that is
/// trouble, and maybe_acted.
class HttpClient {
 public:
  struct Settings {
    size_t connections = 1;          ///< to one host, at once
    size_t connections_in_all = 64;  ///< to all hosts, at once
    size_t streams = 32;  ///< requests at once over an HTTP/2 connection; over HTTP/1.1 one a connection
    bool proxies = true;  ///< obey the proxy variables of the environment
    /// Connect to addresses of the public internet alone (is_public_address); a name is judged by the address
    /// that is connected to. Proxies are not used then.
    bool public_only = false;
    milliseconds connect_timeout = std::chrono::seconds(10);  ///< for name, TCP and TLS together
    /// PEM file of the authorities to trust; "" = what CURL_CA_BUNDLE or else SSL_CERT_FILE names, else the
    /// system's.
    std::string ca_file = {};
  };
  /// Exactly one of the two is set. Called once, on the loop's thread, never from within send(). It may
  /// send(); it may not throw or destroy the client.
  using Done = std::function<void(const HttpAnswer* answer, const HttpTrouble* trouble)>;

  /// The loop and the clock outlive the client; the process ignores SIGPIPE. Throws Error(internal) when
  /// libcurl cannot start.
  HttpClient(Loop& loop, const Clock& clock, Settings settings);
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  /// Drops what is not over; no Done is called any more.
  ~HttpClient();

  /// Queues a request; it is sent when a connection or stream to its host is free, oldest first. Of what is
  /// queued, tick() starts what may start.
  void send(HttpSend request, Done done);
  /// Requests not over yet, queued ones included.
  size_t pending() const;
  /// Connections opened for the requests that are over.
  size_t connections_made() const;

  /// When tick() wants to be called; SteadyTime::max() for never. Ask again after each round of the loop and
  /// after send().
  SteadyTime next_wake() const;
  void tick();

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace refsyncd
