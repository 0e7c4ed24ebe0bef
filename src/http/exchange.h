#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "http/async_client.h"
#include "http/libcurl.h"

namespace refsyncd {

/// Scheme, host and port of a URL ("https://api.mesa.dev:443"): requests to one origin share its connections.
/// Nothing when the URL is not an absolute one of http or https.
std::optional<std::string> origin_of(const std::string& url);

/// A handle for transfers. Throws Error(internal).
Transfer new_handle();

/// One request of HttpClient on its way: libcurl's transfer, what it gathers, and its limits. libcurl keeps
/// pointers to it: it stays where it is, and outlives the transfer's stay in the multi handle.
class HttpExchange {
 public:
  /// Prepares the transfer on a fresh handle (or one that was reset). Throws Error(bad_config) for a request
  /// that cannot be sent; `origin` is that of its URL.
  HttpExchange(HttpSend request, std::string origin, Transfer transfer, const HttpClient::Settings& settings,
               const Clock& clock);
  HttpExchange(const HttpExchange&) = delete;
  HttpExchange& operator=(const HttpExchange&) = delete;

  CURL* handle() const { return transfer_.get(); }
  const Transfer& transfer() const { return transfer_; }

  /// When the request has taken too long; max() until it is sent, because libcurl limits connecting.
  SteadyTime deadline() const;
  /// A moment to come before which deadline() does not pass, whatever happens: enough to look again then.
  SteadyTime earliest_deadline() const;

  bool paused() const { return paused_; }
  /// Goes on after a pause. May call on_body; a result other than CURLE_OK is the end of the transfer.
  CURLcode resume();
  /// on_head and on_body are not called any more.
  void silence() { silent_ = true; }
  bool silent() const { return silent_; }

  /// True when there is an answer, given what libcurl ended the transfer with.
  bool answered(CURLcode result) const { return result == CURLE_OK || cut_; }
  /// What the server said. Takes the body.
  HttpAnswer answer();
  /// Why libcurl ended the transfer.
  HttpTrouble trouble(CURLcode result) const;
  /// Why it must end at its deadline.
  HttpTrouble too_slow() const;

  bool was_multiplexed() const;
  size_t connections_made() const;
  /// Has the connection closed when nothing uses it any more.
  void abandon_connection();
  /// The handle, as new, once it has left the multi handle; nothing else works after that.
  Transfer take_handle();

 private:
  static size_t on_header(const char* data, size_t size, size_t count, void* self) noexcept;
  static size_t on_body(const char* data, size_t size, size_t count, void* self) noexcept;
  static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t uploaded) noexcept;
  static int on_ready_to_send(void* self, char*, char*, int, int) noexcept;
  static curl_socket_t on_connect(void* self, curlsocktype, curl_sockaddr* address) noexcept;

  void prepare(const HttpClient::Settings& settings);
  void prepare_connection(const HttpClient::Settings& settings);
  void prepare_callbacks();
  void prepare_headers();
  void end_head();
  /// Nothing taken, and the failure kept, when the action throws.
  template <class Action>
  size_t guarded(Action action) noexcept;
  size_t take(std::string_view bytes);
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
  bool head_complete_ = false;
  bool streaming_ = false;  // to on_body
  uint64_t received_ = 0;   // bytes of the body
  bool too_large_ = false;
  bool cut_ = false;  // the body is the beginning of an error's text
  bool silent_ = false;
  bool paused_ = false;             // by on_body
  bool held_back_ = false;          // and libcurl knows
  std::optional<Failure> failure_;  // what on_head or on_body threw
  bool sent_before_ = false;        // and must not be sent again
  bool address_refused_ = false;    // one of them at least
  bool address_allowed_ = false;

  std::array<char, CURL_ERROR_SIZE> problem_{};
  HeaderList headers_;
  Transfer transfer_;  // last: it points to all above
};

}  // namespace refsyncd
