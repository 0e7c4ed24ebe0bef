#include "http/async_client.h"

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <map>
#include <set>
#include <variant>

#include "http/exchange.h"
#include "http/libcurl.h"

namespace refsyncd {
namespace {

using Multi = Owned<CURLM, curl_multi_cleanup>;
using Result = std::variant<HttpAnswer, HttpTrouble>;

template <class Value>
void set(const Multi& multi, CURLMoption option, Value value) {
  const auto result = curl_multi_setopt(multi.get(), option, value);
  if (result != CURLM_OK) throw Error(ErrorKind::internal, curl_multi_strerror(result));
}

Multi started_multi() {
  initialise_libcurl();
  Multi multi(curl_multi_init());
  if (!multi) throw Error(ErrorKind::internal, "starting libcurl failed");
  return multi;
}

HttpClient::Settings completed(HttpClient::Settings settings) {
  for (const auto* variable : {"CURL_CA_BUNDLE", "SSL_CERT_FILE"}) {
    const auto* named = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe): nobody sets variables
    if (settings.ca_file.empty() && named != nullptr) settings.ca_file = named;
  }
  settings.connections = std::max<size_t>(settings.connections, 1);
  settings.connections_in_all = std::max<size_t>(settings.connections_in_all, 1);
  settings.streams = std::max<size_t>(settings.streams, 1);
  return settings;
}

struct Waiting {
  HttpSend request;
  HttpClient::Done done;
  uint64_t serial;
};

/// One origin, and what is known of it.
struct Host {
  std::deque<Waiting> waiting;
  size_t running = 0;
  bool multiplexed = false;  // as its last answer was
  bool suspect = false;  // a shared connection seems dead: its requests end before others begin, on a new one
};

struct Running {
  Running(Waiting waiting, const HttpClient::Settings& settings, const Clock& clock, std::string of)
      : exchange(std::move(waiting.request), settings, clock),
        done(std::move(waiting.done)),
        host(std::move(of)) {}

  HttpExchange exchange;
  HttpClient::Done done;
  std::string host;
};

struct Over {
  HttpClient::Done done;
  Result result;
};

}  // namespace

struct HttpClient::Implementation {
  using Hosts = std::map<std::string, Host>;
  using Transfers = std::map<CURL*, std::unique_ptr<Running>>;

  Implementation(Loop& on_loop, const Clock& a_clock, Settings given);
  Implementation(const Implementation&) = delete;
  Implementation& operator=(const Implementation&) = delete;
  ~Implementation();

  static int on_socket(CURL*, curl_socket_t socket, int wanted, void* self, void*) noexcept;
  static int on_timer(CURLM*, long wait, void* self) noexcept;

  size_t capacity(const Host& host) const;
  /// Of the hosts that may start one more, the one whose request has waited longest.
  Hosts::const_iterator startable() const;
  void start(const std::string& name);
  void start_all();
  void act(curl_socket_t socket, int events);
  void collect();
  void end_slow_ones();
  void suspect(const std::string& name);
  /// Takes the transfer out and keeps its result for tell().
  void finish(Transfers::iterator which, Result result);
  void tell();

  Loop& loop;
  const Clock& clock;
  const Settings settings;
  Hosts hosts;
  std::deque<Over> over;
  std::set<curl_socket_t> watched;
  SteadyTime timer = SteadyTime::max();
  uint64_t serial = 0;
  size_t waiting = 0;
  size_t connections_used = 0;
  size_t connections_made = 0;
  Multi multi;
  Transfers running;
};

HttpClient::Implementation::Implementation(Loop& on_loop, const Clock& a_clock, Settings given)
    : loop(on_loop), clock(a_clock), settings(completed(std::move(given))), multi(started_multi()) {
  set(multi, CURLMOPT_SOCKETFUNCTION, &on_socket);
  set(multi, CURLMOPT_SOCKETDATA, static_cast<void*>(this));
  set(multi, CURLMOPT_TIMERFUNCTION, &on_timer);
  set(multi, CURLMOPT_TIMERDATA, static_cast<void*>(this));
  set(multi, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_MULTIPLEX));
  set(multi, CURLMOPT_MAX_HOST_CONNECTIONS, static_cast<long>(settings.connections));
  set(multi, CURLMOPT_MAX_CONCURRENT_STREAMS, static_cast<long>(settings.streams));
  set(multi, CURLMOPT_MAXCONNECTS, static_cast<long>(settings.connections_in_all));
}

HttpClient::Implementation::~Implementation() {
  for (const auto& [handle, unused] : running) curl_multi_remove_handle(multi.get(), handle);
  multi.reset();
  for (const auto socket : watched) loop.unwatch(socket);
}

int HttpClient::Implementation::on_socket(CURL*, curl_socket_t socket, int wanted, void* self,
                                          void*) noexcept {
  auto& client = *static_cast<Implementation*>(self);
  if (wanted == CURL_POLL_REMOVE || wanted == CURL_POLL_NONE) {
    client.loop.unwatch(socket);
    client.watched.erase(socket);
    return 0;
  }
  client.watched.insert(socket);
  client.loop.watch(
      socket, {.reading = (wanted & CURL_POLL_IN) != 0, .writing = (wanted & CURL_POLL_OUT) != 0},
      [&client, socket](Loop::Readiness ready) {
        client.act(socket, (ready.reading ? CURL_CSELECT_IN : 0) | (ready.writing ? CURL_CSELECT_OUT : 0));
      });
  return 0;
}

int HttpClient::Implementation::on_timer(CURLM*, long wait, void* self) noexcept {
  auto& client = *static_cast<Implementation*>(self);
  client.timer = wait < 0 ? SteadyTime::max() : client.clock.steady() + milliseconds(wait);
  return 0;
}

size_t HttpClient::Implementation::capacity(const Host& host) const {
  if (host.suspect) return 0;
  return settings.connections * (host.multiplexed ? settings.streams : 1);
}

HttpClient::Implementation::Hosts::const_iterator HttpClient::Implementation::startable() const {
  auto found = hosts.end();
  if (waiting == 0) return found;
  for (auto at = hosts.begin(); at != hosts.end(); ++at) {
    const auto& host = at->second;
    if (host.waiting.empty() || host.running >= capacity(host)) continue;
    if (host.running < settings.connections && connections_used >= settings.connections_in_all) continue;
    const bool earlier =
        found == hosts.end() || host.waiting.front().serial < found->second.waiting.front().serial;
    if (earlier) found = at;
  }
  return found;
}

void HttpClient::Implementation::start(const std::string& name) {
  auto& host = hosts.at(name);
  auto next = std::move(host.waiting.front());
  host.waiting.pop_front();
  --waiting;
  auto done = next.done;
  try {
    auto starting = std::make_unique<Running>(std::move(next), settings, clock, name);
    auto* handle = starting->exchange.handle();
    const auto result = curl_multi_add_handle(multi.get(), handle);
    if (result != CURLM_OK) throw Error(ErrorKind::internal, curl_multi_strerror(result));
    running.emplace(handle, std::move(starting));
    if (host.running++ < settings.connections) ++connections_used;
  } catch (const Error& error) {
    over.push_back({std::move(done), HttpTrouble{.failure = error.failure()}});
    if (host.waiting.empty() && host.running == 0) hosts.erase(name);
  }
}

void HttpClient::Implementation::start_all() {
  for (auto next = startable(); next != hosts.end(); next = startable()) start(std::string(next->first));
}

void HttpClient::Implementation::act(curl_socket_t socket, int events) {
  int still_running = 0;
  curl_multi_socket_action(multi.get(), socket, events, &still_running);
  collect();
  start_all();
  tell();
}

void HttpClient::Implementation::collect() {
  int left = 0;
  while (const auto* message = curl_multi_info_read(multi.get(), &left)) {
    const auto found = running.find(message->easy_handle);
    if (message->msg != CURLMSG_DONE || found == running.end()) continue;
    const auto result = message->data.result;
    auto& exchange = found->second->exchange;
    if (result == CURLE_OK) {
      hosts.at(found->second->host).multiplexed = exchange.was_multiplexed();
      finish(found, exchange.answer());
    } else {
      finish(found, exchange.trouble(result));
    }
  }
}

void HttpClient::Implementation::end_slow_ones() {
  const auto now = clock.steady();
  for (auto at = running.begin(); at != running.end();) {
    const auto current = at++;
    const auto& [name, exchange] = std::tie(current->second->host, current->second->exchange);
    if (exchange.deadline() > now) continue;
    suspect(name);
    finish(current, exchange.too_slow());
  }
}

void HttpClient::Implementation::suspect(const std::string& name) {
  auto& host = hosts.at(name);
  if (!host.multiplexed || host.suspect) return;
  host.suspect = true;
  for (const auto& [handle, other] : running) {
    if (other->host == name) other->exchange.abandon_connection();
  }
}

void HttpClient::Implementation::finish(Transfers::iterator which, Result result) {
  const auto ended = std::move(which->second);
  running.erase(which);
  connections_made += ended->exchange.connections_made();
  curl_multi_remove_handle(multi.get(), ended->exchange.handle());
  over.push_back({std::move(ended->done), std::move(result)});
  const auto host = hosts.find(ended->host);
  if (--host->second.running < settings.connections) --connections_used;
  if (host->second.running > 0) return;
  host->second.suspect = false;
  if (host->second.waiting.empty() && !host->second.multiplexed) hosts.erase(host);
}

void HttpClient::Implementation::tell() {
  while (!over.empty()) {
    const auto next = std::move(over.front());
    over.pop_front();
    next.done(std::get_if<HttpAnswer>(&next.result), std::get_if<HttpTrouble>(&next.result));
  }
}

HttpClient::HttpClient(Loop& loop, const Clock& clock, Settings settings)
    : implementation_(std::make_unique<Implementation>(loop, clock, std::move(settings))) {}

HttpClient::~HttpClient() = default;

HttpClient::RequestId HttpClient::send(HttpSend request, Done done) {
  auto& client = *implementation_;
  auto& host = client.hosts[origin_of(request.url).value_or("")];
  host.waiting.push_back({std::move(request), std::move(done), ++client.serial});
  ++client.waiting;
  return RequestId(client.serial);
}

size_t HttpClient::pending() const {
  return implementation_->waiting + implementation_->running.size() + implementation_->over.size();
}

size_t HttpClient::connections_made() const { return implementation_->connections_made; }

SteadyTime HttpClient::next_wake() const {
  const auto& client = *implementation_;
  if (!client.over.empty() || client.startable() != client.hosts.end()) return SteadyTime::min();
  auto next = client.timer;
  for (const auto& [handle, running] : client.running) next = std::min(next, running->exchange.deadline());
  return next;
}

void HttpClient::tick() {
  auto& client = *implementation_;
  client.start_all();
  client.end_slow_ones();
  if (client.timer <= client.clock.steady()) {
    client.timer = SteadyTime::max();
    client.act(CURL_SOCKET_TIMEOUT, 0);
  } else {
    client.start_all();
    client.tell();
  }
}

}  // namespace refsyncd
