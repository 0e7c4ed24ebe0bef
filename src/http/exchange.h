#pragma once
#include <array>
#include <string>

#include "base/clock.h"
#include "http/async_client.h"
#include "http/libcurl.h"

namespace refsyncd {

/// Scheme, host and port of a URL ("https://api.mesa.dev:443"): requests to one origin share its connections.
/// Nothing when the URL is not an absolute one of http or https.
std::optional<std::string> origin_of(const std::string& url);

/// One request of HttpClient on its way: libcurl's transfer, what it gathers, and its limits. libcurl keeps
/// pointers to it: it stays where it is, and outlives the transfer's stay in the multi handle.
class HttpExchange {
 public:
  /// Prepares the transfer. Throws Error(bad_config) for a request that cannot be sent.
  HttpExchange(HttpSend request, const HttpClient::Settings& settings, const Clock& clock);
  HttpExchange(const HttpExchange&) = delete;
  HttpExchange& operator=(const HttpExchange&) = delete;

  CURL* handle() const { return transfer_.get(); }

  /// When the request has taken too long; max() until it is sent, because libcurl limits connecting.
  SteadyTime deadline() const;

  /// What the server said, once libcurl has ended the transfer well. Takes the body.
  HttpAnswer answer();
  /// Why libcurl ended the transfer.
  HttpTrouble trouble(CURLcode result) const;
  /// Why it must end at its deadline.
  HttpTrouble too_slow() const;

  bool was_multiplexed() const;
  size_t connections_made() const;
  /// Has the connection closed when nothing uses it any more.
  void abandon_connection();

 private:
  static size_t on_header(const char* data, size_t size, size_t count, void* self) noexcept;
  static size_t on_body(const char* data, size_t size, size_t count, void* self) noexcept;
  static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t uploaded) noexcept;
  static int on_ready_to_send(void* self, char*, char*, int, int) noexcept;
  static curl_socket_t on_connect(void* self, curlsocktype, curl_sockaddr* address) noexcept;

  void prepare(const HttpClient::Settings& settings);
  void prepare_headers();
  HttpTrouble trouble(ErrorKind kind, std::string_view message) const;

  HttpSend request_;
  const Clock& clock_;
  std::string origin_;
  std::string body_;
  bool public_only_;

  size_t header_bytes_ = 0;
  curl_off_t uploaded_ = 0;
  SteadyTime sent_ = SteadyTime::max();  // when sending began
  SteadyTime last_byte_{};               // in either direction
  bool answer_began_ = false;
  bool too_large_ = false;
  bool sent_before_ = false;      // and must not be sent again
  bool address_refused_ = false;  // one of them at least
  bool address_allowed_ = false;

  std::array<char, CURL_ERROR_SIZE> problem_{};
  HeaderList headers_;
  Transfer transfer_;  // last: it points to all above
};

}  // namespace refsyncd
