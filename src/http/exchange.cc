#include "http/exchange.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/socket.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/duration.h"
#include "base/text.h"
#include "base/version.h"
#include "http/address.h"
#include "http/retry_after.h"

namespace refsyncd {
namespace {

constexpr size_t header_limit = 256 << 10;
/// A connection on which sent bytes are not acknowledged for so long is dead, whatever waits on it.
constexpr unsigned unacknowledged_limit_ms = 20'000;
/// Of the answer to a request whose answer would be handed over piece by piece, had it worked.
constexpr size_t error_text_limit = 64 << 10;
/// Longer than five minutes, after which policies usually come round again: libcurl's own limit is 118 s.
constexpr long idle_limit_s = 600;
/// Reading the authorities costs milliseconds for each connection; who changes them waits no longer than
/// this.
constexpr long authorities_kept_s = 300;
/// libcurl sends so much of a body along with the headers: no need to watch it go.
constexpr size_t sent_at_once = 64 << 10;

/// curl takes "Name:" for the wish to leave a header out, and "Name;" for an empty one.
std::string header_line(const std::string& name, const std::string& value) {
  return value.empty() ? name + ";" : fmt::format("{}: {}", name, value);
}

void append(HeaderList& list, const std::string& line) {
  auto* longer = curl_slist_append(list.get(), line.c_str());
  if (longer == nullptr) throw Error(ErrorKind::internal, "preparing an HTTP call: out of memory");
  static_cast<void>(list.release());
  list.reset(longer);
}

const std::string& user_agent() {
  static const auto name = fmt::format("refsyncd/{}", version);
  return name;
}

long limit_of(milliseconds time) { return static_cast<long>(std::max(time, milliseconds(1)).count()); }

}  // namespace

std::optional<std::string> origin_of(const std::string& url) {
  const Url parsed(curl_url());
  if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return std::nullopt;
  const auto scheme = part_of(parsed, CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") return std::nullopt;
  return fmt::format("{}://{}:{}", scheme, printable(part_of(parsed, CURLUPART_HOST), 300),
                     part_of(parsed, CURLUPART_PORT, CURLU_DEFAULT_PORT));
}

Transfer new_handle() {
  Transfer handle(curl_easy_init());
  if (!handle) throw Error(ErrorKind::internal, "starting an HTTP call failed");
  return handle;
}

HttpExchange::HttpExchange(HttpSend request, std::string origin, Transfer transfer,
                           const HttpClient::Settings& settings, const Clock& clock)
    : request_(std::move(request)),
      clock_(clock),
      origin_(std::move(origin)),
      public_only_(settings.public_only),
      transfer_(std::move(transfer)) {
  if (origin_.empty()) throw Error(ErrorKind::bad_config, "the URL is no absolute one of http or https");
  prepare(settings);
  prepare_connection(settings);
  prepare_callbacks();
  prepare_headers();
}

void HttpExchange::prepare(const HttpClient::Settings& settings) {
  set_request(transfer_, request_.url, request_.method, request_.body);
  set(transfer_, CURLOPT_ERRORBUFFER, problem_.data());
  set(transfer_, CURLOPT_USERAGENT, user_agent().c_str());
  if (request_.decompress) set(transfer_, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
  if (!settings.proxies || settings.public_only) set(transfer_, CURLOPT_PROXY, "");
  if (settings.ca_file.empty()) return;
  set(transfer_, CURLOPT_CAINFO, settings.ca_file.c_str());
  set(transfer_, CURLOPT_CAPATH, static_cast<char*>(nullptr));  // else the system's would be trusted too
  set(transfer_, CURLOPT_CA_CACHE_TIMEOUT, authorities_kept_s);
}

void HttpExchange::prepare_connection(const HttpClient::Settings& settings) {
  if (!settings.multiplex) set(transfer_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(transfer_, CURLOPT_CONNECTTIMEOUT_MS, limit_of(settings.connect_timeout));
  set(transfer_, CURLOPT_MAXAGE_CONN, idle_limit_s);
  // Wait and see whether the connection being made can be shared; without TLS it never is, and that would
  // only show with its first answer.
  set(transfer_, CURLOPT_PIPEWAIT, settings.multiplex && origin_.starts_with("https:") ? 1L : 0L);
  set(transfer_, CURLOPT_TCP_KEEPALIVE, 1L);
  set(transfer_, CURLOPT_QUICK_EXIT, 1L);                // do not wait for a thread that resolves a name
  set(transfer_, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);  // what a proxy says is not the answer
}

void HttpExchange::prepare_callbacks() {
  set(transfer_, CURLOPT_WRITEFUNCTION, &on_body);
  set(transfer_, CURLOPT_WRITEDATA, static_cast<void*>(this));
  set(transfer_, CURLOPT_HEADERFUNCTION, &on_header);
  set(transfer_, CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(transfer_, CURLOPT_PREREQFUNCTION, &on_ready_to_send);
  set(transfer_, CURLOPT_PREREQDATA, static_cast<void*>(this));
  set(transfer_, CURLOPT_OPENSOCKETFUNCTION, &on_connect);
  set(transfer_, CURLOPT_OPENSOCKETDATA, static_cast<void*>(this));
  if (request_.body.size() <= sent_at_once) return;
  set(transfer_, CURLOPT_NOPROGRESS, 0L);
  set(transfer_, CURLOPT_XFERINFOFUNCTION, &on_progress);
  set(transfer_, CURLOPT_XFERINFODATA, static_cast<void*>(this));
}

void HttpExchange::prepare_headers() {
  append(headers_, "Expect:");  // a body is sent at once
  bool typed = false;
  for (const auto& [name, value] : request_.headers) {
    if (name.empty() || has_control(name) || name.find_first_of(": ;") != std::string::npos ||
        has_control(value)) {
      throw Error(ErrorKind::bad_config,
                  fmt::format("{}: the header '{}' cannot be sent: a control character, or no name", origin_,
                              printable(name, 100)));
    }
    typed = typed || ::strcasecmp(name.c_str(), "Content-Type") == 0;
    append(headers_, header_line(name, value));
  }
  if (!typed) append(headers_, "Content-Type:");  // not curl's idea of it
  set(transfer_, CURLOPT_HTTPHEADER, headers_.get());
}

size_t HttpExchange::on_header(const char* data, size_t size, size_t count, void* self) noexcept {
  auto& exchange = *static_cast<HttpExchange*>(self);
  const std::string_view line(data, size * count);
  exchange.answer_began_ = true;
  exchange.last_byte_ = exchange.clock_.steady();
  exchange.header_bytes_ += line.size();
  if (exchange.header_bytes_ > header_limit) return 0;
  const bool last = line == "\r\n" || line == "\n";
  if (!last || exchange.head_complete_) return line.size();
  return exchange.guarded([&] {
    exchange.end_head();
    return line.size();
  });
}

void HttpExchange::end_head() {
  const auto status = status_of(transfer_);
  if (status < 200) return;  // a hint: the answer's own head follows
  head_complete_ = true;
  streaming_ = request_.on_body && status < 300;
  if (request_.on_head && !silent_) {
    request_.on_head({.status = status, .content_type = header_of(transfer_, "Content-Type")});
  }
}

size_t HttpExchange::on_body(const char* data, size_t size, size_t count, void* self) noexcept {
  auto& exchange = *static_cast<HttpExchange*>(self);
  return exchange.guarded([&] { return exchange.take({data, size * count}); });
}

size_t HttpExchange::take(std::string_view bytes) {
  if (silent_) return 0;
  last_byte_ = clock_.steady();
  held_back_ = paused_;
  if (held_back_) return CURL_WRITEFUNC_PAUSE;
  if (request_.on_body && !streaming_) {
    body_.append(bytes.substr(0, error_text_limit - body_.size()));
    cut_ = body_.size() == error_text_limit;
    return cut_ ? 0 : bytes.size();
  }
  too_large_ = bytes.size() > request_.answer_limit - received_;
  if (too_large_) return 0;
  received_ += bytes.size();
  if (!streaming_) {
    body_.append(bytes);
  } else if (request_.on_body(bytes) == Take::pause) {
    paused_ = true;
  }
  return bytes.size();
}

template <class Action>
size_t HttpExchange::guarded(Action action) noexcept {
  try {
    return action();
  } catch (...) {
    failure_ = current_failure();
    return 0;
  }
}

CURLcode HttpExchange::resume() {
  if (!paused_) return CURLE_OK;
  paused_ = false;
  last_byte_ = clock_.steady();
  return std::exchange(held_back_, false) ? curl_easy_pause(transfer_.get(), CURLPAUSE_CONT) : CURLE_OK;
}

int HttpExchange::on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t uploaded) noexcept {
  auto& exchange = *static_cast<HttpExchange*>(self);
  if (uploaded != exchange.uploaded_) exchange.last_byte_ = exchange.clock_.steady();
  exchange.uploaded_ = uploaded;
  return 0;
}

int HttpExchange::on_ready_to_send(void* self, char*, char*, int, int) noexcept {
  auto& exchange = *static_cast<HttpExchange*>(self);
  const auto& method = exchange.request_.method;
  const bool repeatable = exchange.request_.repeatable || method == "GET" || method == "HEAD";
  exchange.sent_before_ = exchange.sent_ != SteadyTime::max() && !repeatable;
  if (exchange.sent_before_) return CURL_PREREQFUNC_ABORT;
  exchange.last_byte_ = exchange.clock_.steady();
  exchange.sent_ = std::min(exchange.sent_, exchange.last_byte_);
  return CURL_PREREQFUNC_OK;
}

curl_socket_t HttpExchange::on_connect(void* self, curlsocktype, curl_sockaddr* address) noexcept {
  auto& exchange = *static_cast<HttpExchange*>(self);
  const bool refused = exchange.public_only_ && !is_public_address(address->addr);
  (refused ? exchange.address_refused_ : exchange.address_allowed_) = true;
  if (refused) return CURL_SOCKET_BAD;
  const int socket = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (socket >= 0) {
    ::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_limit_ms,
                 sizeof unacknowledged_limit_ms);
  }
  return socket;
}

SteadyTime HttpExchange::deadline() const {
  if (sent_ == SteadyTime::max()) return sent_;
  if (paused_) return sent_ + request_.timeout;
  return std::min(sent_ + request_.timeout,
                  last_byte_ + (answer_began_ ? request_.stall : request_.first_byte));
}

SteadyTime HttpExchange::earliest_deadline() const {
  const auto now = clock_.steady();
  const auto whole = (sent_ == SteadyTime::max() ? now : sent_) + request_.timeout;
  const auto silence = now + std::min(request_.first_byte, request_.stall);
  return std::max(std::min({deadline(), whole, silence}), now + milliseconds(1));
}

HttpAnswer HttpExchange::answer() {
  return {.status = status_of(transfer_),
          .content_type = header_of(transfer_, "Content-Type"),
          .body = std::move(body_),
          .location = redirect_of(transfer_),
          .retry_after = retry_after(header_of(transfer_, "Retry-After"), clock_.now()),
          .multiplexed = was_multiplexed()};
}

HttpTrouble HttpExchange::trouble(ErrorKind kind, std::string_view message) const {
  return {.failure = {.kind = kind, .message = fmt::format("{}: {}", origin_, printable(message, 500))},
          .maybe_acted = sent_ != SteadyTime::max()};
}

HttpTrouble HttpExchange::trouble(CURLcode result) const {
  if (failure_) return {.failure = *failure_, .maybe_acted = true};
  if (address_refused_ && !address_allowed_) {
    return trouble(ErrorKind::bad_config, "its address is not one of the public internet");
  }
  if (sent_before_) {
    return trouble(ErrorKind::transient,
                   "the connection closed before the answer; the request is not sent again");
  }
  if (too_large_) {
    return trouble(ErrorKind::transient,
                   fmt::format("the answer is larger than {} bytes", request_.answer_limit));
  }
  if (const auto status = proxy_status_of(transfer_); status == 403 || status == 407) {
    return trouble(ErrorKind::auth,
                   fmt::format("the proxy refuses with status {}; a credential for it belongs into its "
                               "variable's URL",
                               status));
  }
  if (header_bytes_ > header_limit) {
    return trouble(ErrorKind::transient,
                   fmt::format("the headers of the answer are larger than {} bytes", header_limit));
  }
  const int connecting = result == CURLE_COULDNT_CONNECT ? connect_problem(transfer_) : 0;
  if (connecting != 0) return trouble(ErrorKind::transient, std::generic_category().message(connecting));
  // Once it is sent, nothing is wrong with the request: "unsupported protocol" is then said of the answer.
  const bool sent = sent_ != SteadyTime::max();
  const auto kind = sent && kind_of(result) == ErrorKind::bad_config ? ErrorKind::transient : kind_of(result);
  return trouble(kind, problem_[0] != '\0' ? problem_.data() : curl_easy_strerror(result));
}

HttpTrouble HttpExchange::too_slow() const {
  if (answer_began_ && !paused_ && last_byte_ + request_.stall <= deadline()) {
    return trouble(ErrorKind::transient,
                   fmt::format("the answer stopped for {}", format_duration(request_.stall)));
  }
  if (!answer_began_ && last_byte_ + request_.first_byte <= deadline()) {
    return trouble(ErrorKind::transient,
                   fmt::format("no answer for {}", format_duration(request_.first_byte)));
  }
  return trouble(ErrorKind::transient,
                 fmt::format("no whole answer in {}", format_duration(request_.timeout)));
}

bool HttpExchange::was_multiplexed() const {
  long protocol = 0;
  curl_easy_getinfo(transfer_.get(), CURLINFO_HTTP_VERSION, &protocol);
  return protocol >= CURL_HTTP_VERSION_2_0;
}

size_t HttpExchange::connections_made() const {
  long made = 0;
  curl_easy_getinfo(transfer_.get(), CURLINFO_NUM_CONNECTS, &made);
  return static_cast<size_t>(made);
}

void HttpExchange::abandon_connection() { set(transfer_, CURLOPT_FORBID_REUSE, 1L); }

Transfer HttpExchange::take_handle() {
  curl_easy_reset(transfer_.get());
  return std::move(transfer_);
}

}  // namespace refsyncd
