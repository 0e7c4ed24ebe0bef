#include "http/async_client.h"

#include <algorithm>
#include <deque>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <variant>

#include "http/exchange.h"
#include "http/libcurl.h"
#include "http/turns.h"

namespace refsyncd {
namespace {

using Multi = Owned<CURLM, curl_multi_cleanup>;
using Share = Owned<CURLSH, curl_share_cleanup>;
using Result = std::variant<HttpAnswer, HttpTrouble>;

template <class Value>
void set(const Multi& multi, CURLMoption option, Value value) {
  const auto result = curl_multi_setopt(multi.get(), option, value);
  if (result != CURLM_OK) throw Error(ErrorKind::internal, curl_multi_strerror(result));
}

Multi started_multi() {
  Multi multi(curl_multi_init());
  if (!multi) throw Error(ErrorKind::internal, "starting libcurl failed");
  return multi;
}

/// TLS sessions, so that a new connection to a known host costs less: libcurl keeps eight.
Share started_share() {
  initialise_libcurl();
  Share share(curl_share_init());
  const bool shares =
      share && curl_share_setopt(share.get(), CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) == CURLSHE_OK;
  if (!shares) throw Error(ErrorKind::internal, "starting libcurl failed");
  return share;
}

HttpClient::Settings completed(HttpClient::Settings settings) {
  settings.ca_file = authorities_file(settings.ca_file);
  settings.connections = std::max<size_t>(settings.connections, 1);
  settings.connections_in_all = std::max<size_t>(settings.connections_in_all, 1);
  settings.streams = std::max<size_t>(settings.streams, 1);
  return settings;
}

struct Request {
  HttpSend send;  // until it starts: the exchange has it then
  HttpClient::Done done;
  Turns::Host& host;
  std::string origin;
  std::unique_ptr<HttpExchange> exchange = nullptr;
  SteadyTime look_at = SteadyTime::max();
};

struct Over {
  uint64_t serial;
  HttpClient::Done done;
  Result result;
};

}  // namespace

struct HttpClient::Implementation {
  using Requests = std::unordered_map<uint64_t, Request>;

  Implementation(Loop& on_loop, const Clock& a_clock, Settings given);
  Implementation(const Implementation&) = delete;
  Implementation& operator=(const Implementation&) = delete;
  ~Implementation();

  static int on_socket(CURL*, curl_socket_t socket, int wanted, void* self, void*) noexcept;
  static int on_timer(CURLM*, long wait, void* self) noexcept;
  void watch(curl_socket_t socket, Loop::Readiness wanted) noexcept;

  void start(uint64_t serial);
  void start_all();
  Transfer handle();
  void act(curl_socket_t socket, int events);
  void collect();
  void resume_all();
  void cancel(uint64_t serial);
  void drop_cancelled();
  /// Has the request's limits looked at when they may be exceeded at the earliest.
  void look_again(uint64_t serial, Request& request);
  void end_slow_ones();
  void suspect(Turns::Host& host);
  /// Takes the request out of everything; what was its exchange's goes to others.
  Done remove(Requests::iterator which);
  /// Removes it and keeps its result for tell().
  void finish(Requests::iterator which, Result result);
  void tell();

  Loop& loop;
  const Clock& clock;
  const Settings settings;
  Turns turns;
  std::deque<Over> over;
  std::unordered_set<curl_socket_t> watched;
  SteadyTime timer = SteadyTime::max();
  uint64_t serial = 0;
  size_t connections_made = 0;
  bool inside_libcurl = false;  // where no transfer may be taken out
  std::vector<uint64_t> resumed;
  std::vector<uint64_t> cancelled;
  std::set<std::pair<SteadyTime, uint64_t>> looks;
  Share share;
  Multi multi;
  std::vector<Transfer> spare;
  Requests requests;
};

HttpClient::Implementation::Implementation(Loop& on_loop, const Clock& a_clock, Settings given)
    : loop(on_loop),
      clock(a_clock),
      settings(completed(std::move(given))),
      turns({settings.connections, settings.connections_in_all, settings.multiplex ? settings.streams : 1}),
      share(started_share()),
      multi(started_multi()) {
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
  for (const auto& [unused, request] : requests) {
    if (request.exchange) curl_multi_remove_handle(multi.get(), request.exchange->handle());
  }
  requests.clear();
  spare.clear();
  multi.reset();
  for (const auto socket : watched) loop.unwatch(socket);
}

int HttpClient::Implementation::on_socket(CURL*, curl_socket_t socket, int wanted, void* self,
                                          void*) noexcept {
  auto& client = *static_cast<Implementation*>(self);
  if (wanted == CURL_POLL_REMOVE || wanted == CURL_POLL_NONE) {
    client.loop.unwatch(socket);
    client.watched.erase(socket);
  } else {
    client.watch(socket, {.reading = (wanted & CURL_POLL_IN) != 0, .writing = (wanted & CURL_POLL_OUT) != 0});
  }
  return 0;
}

void HttpClient::Implementation::watch(curl_socket_t socket, Loop::Readiness wanted) noexcept try {
  watched.insert(socket);
  loop.watch(socket, wanted, [this, socket](Loop::Readiness ready) {
    act(socket, (ready.reading ? CURL_CSELECT_IN : 0) | (ready.writing ? CURL_CSELECT_OUT : 0));
  });
} catch (const std::exception&) {
  // The kernel is short of something. What waits for the socket ends at its limits, as if nobody answered.
}

int HttpClient::Implementation::on_timer(CURLM*, long wait, void* self) noexcept {
  auto& client = *static_cast<Implementation*>(self);
  client.timer = wait < 0 ? SteadyTime::max() : client.clock.steady() + milliseconds(wait);
  return 0;
}

Transfer HttpClient::Implementation::handle() {
  if (spare.empty()) {
    auto made = new_handle();
    set(made, CURLOPT_SHARE, share.get());  // stays when the handle is reset
    return made;
  }
  auto taken = std::move(spare.back());
  spare.pop_back();
  return taken;
}

void HttpClient::Implementation::start(uint64_t starting) {
  const auto which = requests.find(starting);
  auto& request = which->second;
  try {
    request.exchange = std::make_unique<HttpExchange>(std::move(request.send), std::move(request.origin),
                                                      handle(), settings, clock);
    set(request.exchange->transfer(), CURLOPT_PRIVATE, &which->first);
    const auto result = curl_multi_add_handle(multi.get(), request.exchange->handle());
    if (result != CURLM_OK) throw Error(ErrorKind::internal, curl_multi_strerror(result));
    look_again(starting, request);
  } catch (const Error& error) {
    finish(which, HttpTrouble{.failure = error.failure()});
  }
}

void HttpClient::Implementation::start_all() {
  while (const auto next = turns.take()) start(*next);
}

void HttpClient::Implementation::act(curl_socket_t socket, int events) {
  int still_running = 0;
  inside_libcurl = true;
  curl_multi_socket_action(multi.get(), socket, events, &still_running);
  inside_libcurl = false;
  drop_cancelled();
  collect();
  start_all();
  tell();
}

void HttpClient::Implementation::collect() {
  int left = 0;
  while (const auto* message = curl_multi_info_read(multi.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const uint64_t* ended = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &ended);
    const auto found = requests.find(*ended);
    const auto result = message->data.result;
    auto& exchange = *found->second.exchange;
    if (exchange.answered(result)) {
      turns.know_shared(found->second.host, exchange.was_multiplexed());
      finish(found, exchange.answer());
    } else {
      finish(found, exchange.trouble(result));
    }
  }
}

void HttpClient::Implementation::resume_all() {
  for (const auto one : std::exchange(resumed, {})) {
    const auto paused = requests.find(one);
    if (paused == requests.end()) continue;
    auto& exchange = *paused->second.exchange;
    inside_libcurl = true;
    const auto result = exchange.resume();
    inside_libcurl = false;
    const auto found = requests.find(one);  // again: what it called may have sent
    if (exchange.silent()) continue;
    if (exchange.answered(result)) {
      look_again(one, found->second);
    } else {
      finish(found, exchange.trouble(result));
    }
  }
  drop_cancelled();
}

void HttpClient::Implementation::cancel(uint64_t unwanted) {
  std::erase_if(over, [&](const Over& one) { return one.serial == unwanted; });
  const auto found = requests.find(unwanted);
  if (found == requests.end()) return;
  auto& request = found->second;
  if (!request.exchange) {
    turns.leave(request.host, unwanted);
    requests.erase(found);
  } else if (!inside_libcurl) {
    remove(found);
  } else if (!request.exchange->silent()) {
    request.exchange->silence();
    cancelled.push_back(unwanted);
  }
}

void HttpClient::Implementation::drop_cancelled() {
  for (const auto one : std::exchange(cancelled, {})) {
    const auto found = requests.find(one);
    if (found != requests.end()) remove(found);
  }
}

void HttpClient::Implementation::look_again(uint64_t at, Request& request) {
  looks.erase({request.look_at, at});
  request.look_at = request.exchange->earliest_deadline();
  looks.emplace(request.look_at, at);
}

void HttpClient::Implementation::end_slow_ones() {
  const auto now = clock.steady();
  while (!looks.empty() && looks.begin()->first <= now) {
    const auto found = requests.find(looks.begin()->second);
    auto& request = found->second;
    if (request.exchange->deadline() > now) {
      look_again(found->first, request);
    } else {
      suspect(request.host);
      finish(found, request.exchange->too_slow());
    }
  }
}

void HttpClient::Implementation::suspect(Turns::Host& host) {
  if (!turns.suspect(host)) return;
  for (const auto& [unused, other] : requests) {
    if (other.exchange && &other.host == &host) other.exchange->abandon_connection();
  }
}

HttpClient::Done HttpClient::Implementation::remove(Requests::iterator which) {
  auto& request = which->second;
  looks.erase({request.look_at, which->first});
  if (request.exchange) {
    connections_made += request.exchange->connections_made();
    curl_multi_remove_handle(multi.get(), request.exchange->handle());
    spare.push_back(request.exchange->take_handle());
  }
  turns.end(request.host);
  auto done = std::move(request.done);
  requests.erase(which);
  return done;
}

void HttpClient::Implementation::finish(Requests::iterator which, Result result) {
  const auto ended = which->first;
  over.push_back({ended, remove(which), std::move(result)});
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
  auto origin = origin_of(request.url).value_or("");
  const auto serial = ++client.serial;
  auto& host = client.turns.wait(origin, serial);
  client.requests.emplace(serial, Request{std::move(request), std::move(done), host, std::move(origin)});
  return RequestId(serial);
}

void HttpClient::resume(RequestId request) {
  auto& client = *implementation_;
  const auto found = client.requests.find(static_cast<uint64_t>(request));
  const bool paused =
      found != client.requests.end() && found->second.exchange && found->second.exchange->paused();
  if (paused) client.resumed.push_back(found->first);
}

void HttpClient::cancel(RequestId request) { implementation_->cancel(static_cast<uint64_t>(request)); }

size_t HttpClient::pending() const {
  const auto& client = *implementation_;
  return client.requests.size() - client.cancelled.size() + client.over.size();
}

size_t HttpClient::connections_made() const { return implementation_->connections_made; }

SteadyTime HttpClient::next_wake() const {
  const auto& client = *implementation_;
  const bool now = !client.over.empty() || !client.resumed.empty() || !client.turns.stuck();
  if (now) return SteadyTime::min();
  return client.looks.empty() ? client.timer : std::min(client.timer, client.looks.begin()->first);
}

void HttpClient::tick() {
  auto& client = *implementation_;
  client.resume_all();
  client.end_slow_ones();
  client.start_all();
  if (client.timer <= client.clock.steady()) {
    client.timer = SteadyTime::max();
    client.act(CURL_SOCKET_TIMEOUT, 0);
  } else {
    client.tell();
  }
}

}  // namespace refsyncd
