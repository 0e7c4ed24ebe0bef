#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/loop.h"

namespace refsyncd {

/// What is known of an answer before its body.
struct HttpHead {
  int status = 0;
  std::string content_type;
};

/// What becomes of an answer after the piece that was just handed over.
enum class Take {
  more,   ///< hand over the next piece as it comes
  pause,  ///< none until HttpClient::resume(); the server is slowed down
};

/// One request to a server, as HttpClient sends it. on_head and on_body run on the loop's thread, never from
/// within a call of the client other than tick(). They may send(), resume() and cancel(). What they throw
/// ends the request: that is its trouble, an Error's failure as it is.
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
  milliseconds stall = std::chrono::seconds(10);  ///< between two pieces of the answer, unless it is paused
  /// Bytes of the answer's body, after decompression; what is longer is not read on, and trouble.
  uint64_t answer_limit = 16 << 20;
  /// Offer the server to compress (gzip, deflate), and hand over what it means. Else nothing is decompressed.
  bool decompress = false;
  /// Says that the request changes nothing on the server, so that it may be sent again where a kept
  /// connection closes under it. GET and HEAD may without saying so.
  bool repeatable = false;
  /// Called once when the head of the answer is there, before any of its body, whatever the status.
  std::function<void(const HttpHead&)> on_head = {};
  /// When set, the body of a 2xx answer is not gathered but handed over piece by piece, as it comes; the
  /// bytes are valid during the call only. Of any other answer's body the first 64 KiB are gathered, and the
  /// rest is not read.
  std::function<Take(std::string_view bytes)> on_body = {};
};

/// What the server said. Any status is an answer.
struct HttpAnswer {
  int status = 0;
  std::string content_type;
  std::string body;                         ///< "" where on_body had it
  std::string location;                     ///< where a 3xx points, made absolute; "" when nowhere
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
/// A kept connection may close under a request. GET, HEAD and what is `repeatable` are then sent again, on
/// another connection (libcurl does so as long as no byte of an answer has come). Anything else is sent at
/// most once: that is trouble, and maybe_acted.
class HttpClient {
 public:
  /// Names a request of this client; never used twice.
  enum class RequestId : uint64_t {};

  struct Settings {
    size_t connections = 1;          ///< to one host, at once
    size_t connections_in_all = 64;  ///< to all hosts, at once
    size_t streams = 32;  ///< requests at once over an HTTP/2 connection; over HTTP/1.1 one a connection
    /// Use HTTP/2 where it is offered. There libcurl keeps in memory what the server still sends of a paused
    /// answer, up to 32 MB each; over HTTP/1.1 the server has to wait. Hence not for many answers that pause.
    bool multiplex = true;
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
  /// send(), resume() and cancel(); it may not throw or destroy the client.
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
  RequestId send(HttpSend request, Done done);
  /// Goes on with a paused answer at the next tick(). While it is paused, neither `stall` nor `first_byte`
  /// count; `timeout` does. An answer that had nothing left when it was paused ends without this. Unknown
  /// requests and those that are not paused are fine.
  void resume(RequestId request);
  /// Drops a request: none of its functions is called any more. What was sent may have reached the server all
  /// the same. Requests that are over are fine.
  void cancel(RequestId request);
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
