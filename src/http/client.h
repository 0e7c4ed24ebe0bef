#pragma once
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "base/error.h"

namespace refsyncd {

/// One call to an HTTP server.
struct HttpCall {
  std::string method = "GET";
  std::string url = {};  ///< http or https; with a Unix socket the host is only a name
  std::filesystem::path unix_socket =
      {};                    ///< connect here instead of to the URL's host; "" = over the network
  std::string ca_file = {};  ///< PEM bundle to trust instead of the system's; "" = the system's
  std::string body = {};     ///< sent when not empty
  std::string content_type = "application/json";
  std::chrono::milliseconds connect_timeout = std::chrono::seconds(5);
  std::chrono::milliseconds timeout = std::chrono::seconds(30);  ///< of the whole call
  size_t reply_limit = 64 << 20;                                 ///< bytes of the reply's body
};

struct HttpReply {
  int status = 0;
  std::string content_type;
  std::string body;
  std::optional<std::chrono::milliseconds> retry_after;
};

/// Nobody listens there: the Unix socket does not exist, or the connection was refused. Its kind is
/// transient.
class NobodyListens : public Error {
 public:
  explicit NobodyListens(const std::string& message) : Error(ErrorKind::transient, message) {}
};

/// Makes the call and waits for its end. Follows no redirect, uses no proxy. Any HTTP status is a reply; when
/// there is none, throws NobodyListens, Error(auth) when the Unix socket may not be used by us,
/// Error(untrusted) for TLS, Error(bad_config) for a URL that cannot work, else Error(transient). Safe from
/// any thread.
HttpReply http_call(const HttpCall& call);

}  // namespace refsyncd
