#include "http/server.h"

#include <fmt/format.h>
#include <microhttpd.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/handle.h"
#include "base/text.h"
#include "http/url.h"

namespace refsyncd {
namespace {

using Response = Owned<MHD_Response, MHD_destroy_response>;

/// How much of a body that is too large is read and thrown away, so that its sender gets to see the 413.
constexpr size_t discarded_bodies = 4;

HttpResponse refusal(int status, std::string_view code, std::string_view message) {
  return {.status = status,
          .body = fmt::format(R"({{"error":{{"code":"{}","message":"{}"}}}})", code, message)};
}

/// Keeps MHD from decoding: its decoder ends names at %00 and lets broken escapes pass.
size_t keep_encoded(void*, MHD_Connection*, char* text) { return std::char_traits<char>::length(text); }

int socket_of(MHD_Connection* connection) {
  return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

/// What MHD hands over of one header or query parameter.
struct Field {
  std::string_view name;
  std::string_view value;
};
std::vector<Field> fields(MHD_Connection* connection, MHD_ValueKind kind) {
  std::vector<Field> all;
  const auto collect = [](void* to, MHD_ValueKind, const char* name, size_t name_size, const char* value,
                          size_t value_size) {
    auto& found = *static_cast<std::vector<Field>*>(to);
    found.push_back(
        {{name, name_size}, value == nullptr ? std::string_view() : std::string_view(value, value_size)});
    return MHD_YES;
  };
  all.reserve(
      static_cast<size_t>(std::max(0, MHD_get_connection_values(connection, kind, nullptr, nullptr))));
  MHD_get_connection_values_n(connection, kind, collect, &all);
  return all;
}

/// Fills in what the request target and the headers say. False when they are malformed.
bool read_head(MHD_Connection* connection, const char* target, HttpRequest& request) {
  auto path = percent_decode(target);
  if (!path || !path->starts_with('/') || has_control(*path)) return false;
  request.path = std::move(*path);
  for (const auto& [name, value] : fields(connection, MHD_GET_ARGUMENT_KIND)) {
    auto decoded_name = percent_decode(name);
    auto decoded_value = percent_decode(value);
    if (!decoded_name || !decoded_value) return false;
    request.query.emplace(std::move(*decoded_name), std::move(*decoded_value));
  }
  for (const auto& [name, value] : fields(connection, MHD_HEADER_KIND)) {
    request.headers.emplace(lower_case(name), value);
  }
  return true;
}

size_t declared_length(const HttpRequest& request) {
  const auto header = request.headers.find("content-length");
  if (header == request.headers.end()) return 0;
  size_t length = 0;
  std::from_chars(header->second.data(), header->second.data() + header->second.size(), length);
  return length;
}

/// A response that owns the body: it may be large, and takes its time to be sent.
Response response_of(std::string body) {
  auto owned = std::make_unique<std::string>(std::move(body));
  const auto free = [](void* text) { delete static_cast<std::string*>(text); };
  Response response(MHD_create_response_from_buffer_with_free_callback_cls(owned->size(), owned->data(), free,
                                                                           owned.get()));
  if (response) (void)owned.release();
  return response;
}

MHD_Result send(MHD_Connection* connection, HttpResponse answer) {
  const auto response = response_of(std::move(answer.body));
  if (!response) return MHD_NO;
  MHD_add_response_header(response.get(), MHD_HTTP_HEADER_CONTENT_TYPE, answer.content_type.c_str());
  MHD_add_response_header(response.get(), "X-Content-Type-Options", "nosniff");
  MHD_add_response_header(response.get(), MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
  for (const auto& [name, value] : answer.headers) {
    MHD_add_response_header(response.get(), name.c_str(), value.c_str());
  }
  return MHD_queue_response(connection, static_cast<unsigned>(answer.status), response.get());
}

}  // namespace

/// One request on its way in, and its answer. MHD calls it several times: for the head, for each piece of the
/// body, and at the end.
struct HttpServer::Exchange {
  HttpRequest request;
  bool malformed = false;
  bool crowded = false;   // there was no room for the body
  size_t extra = 0;       // bytes beyond the usual limit that it holds
  size_t received = 0;    // bytes of the body, kept or not
  size_t body_bytes = 0;  // as many may come
  const HttpServer* server = nullptr;

  static MHD_Result on_call(void* server, MHD_Connection* connection, const char* target, const char* method,
                            const char* version, const char* data, size_t* size, void** exchange) noexcept;
  static void on_end(void* server, MHD_Connection*, void** exchange, MHD_RequestTerminationCode) noexcept;

  static void on_connection(void* server, MHD_Connection*, void**, MHD_ConnectionNotificationCode) noexcept;
  static void allow(const HttpServer&, MHD_Connection*, std::chrono::seconds time) noexcept;

  MHD_Result begin(MHD_Connection* connection, const char* target);
  MHD_Result take(std::string_view piece);
  bool find_room();
  void drop_body();
  HttpResponse answer() const;
};

// The parameters are as MHD declares them. NOLINTNEXTLINE(bugprone-easily-swappable-parameters)
MHD_Result HttpServer::Exchange::on_call(void* server, MHD_Connection* connection, const char* target,
                                         const char* method, const char*, const char* data, size_t* size,
                                         void** exchange) noexcept try {
  const auto& self = *static_cast<const HttpServer*>(server);
  if (*exchange == nullptr) {
    auto* created = new Exchange();
    *exchange = created;  // on_end deletes it
    created->server = &self;
    created->request.method = std::string_view(method) == "HEAD" ? "GET" : method;
    allow(self, connection, self.limits_.request);
    return created->begin(connection, target);
  }
  auto& current = *static_cast<Exchange*>(*exchange);
  if (*size == 0) {
    allow(self, connection, self.limits_.answer);
    return send(connection, current.answer());
  }
  return current.take({data, std::exchange(*size, 0)});
} catch (...) {
  return MHD_NO;  // out of memory: the connection is closed
}

void HttpServer::Exchange::on_end(void* server, MHD_Connection* connection, void** exchange,
                                  MHD_RequestTerminationCode) noexcept {
  const auto& self = *static_cast<const HttpServer*>(server);
  allow(self, connection, self.limits_.request);  // for the next
  const std::unique_ptr<Exchange> ended(static_cast<Exchange*>(std::exchange(*exchange, nullptr)));
  if (ended) ended->drop_body();
}

MHD_Result HttpServer::Exchange::begin(MHD_Connection* connection, const char* target) {
  malformed = !read_head(connection, target, request);
  const auto& limits = server->limits_;
  const auto special = limits.body_bytes_at.find(request.path);
  body_bytes = special == limits.body_bytes_at.end() ? limits.body_bytes : special->second;
  if (declared_length(request) <= body_bytes * discarded_bodies) return MHD_YES;
  received = body_bytes + 1;
  return send(connection, refusal(413, "too_large", "the request body is too large"));
}

/// Bodies are held in memory, and who sends them is not known yet. Counted is what has come: who only
/// announces a large body takes no room from others.
bool HttpServer::Exchange::find_room() {
  if (crowded) return false;
  const auto needed = received - std::min(received, server->limits_.body_bytes);
  const auto more = needed - std::exchange(extra, needed);
  crowded = (server->extra_bytes_ += more) > server->limits_.extra_bytes;
  return !crowded;
}

void HttpServer::Exchange::drop_body() {
  std::string().swap(request.body);  // an assignment would keep the memory
  server->extra_bytes_ -= std::exchange(extra, 0);
}

MHD_Result HttpServer::Exchange::take(std::string_view piece) {
  received += piece.size();
  if (received > body_bytes * discarded_bodies) return MHD_NO;
  if (received <= body_bytes && find_room()) {
    request.body.append(piece);
  } else {
    drop_body();
  }
  return MHD_YES;
}

HttpResponse HttpServer::Exchange::answer() const try {
  if (received > body_bytes) return refusal(413, "too_large", "the request body is too large");
  if (malformed) return refusal(400, "bad_request", "the request target is malformed");
  if (crowded) return refusal(503, "transient", "too many large requests at once; try again");
  return server->handler_(request);
} catch (...) {
  return refusal(500, "internal", "the request could not be answered");
}

/// MHD calls it before it reads from a new connection, and before it closes the socket of one that ended.
void HttpServer::Exchange::on_connection(void* server, MHD_Connection* connection, void**,
                                         MHD_ConnectionNotificationCode event) noexcept {
  const auto& self = *static_cast<const HttpServer*>(server);
  const int socket = socket_of(connection);
  if (event == MHD_CONNECTION_NOTIFY_STARTED) {
    self.open_sockets_.add(socket, std::chrono::steady_clock::now() + self.limits_.request);
  } else {
    self.open_sockets_.remove(socket);
  }
}

/// From now on the connection has so much time for what comes next.
void HttpServer::Exchange::allow(const HttpServer& server, MHD_Connection* connection,
                                 std::chrono::seconds time) noexcept {
  server.open_sockets_.extend(socket_of(connection), std::chrono::steady_clock::now() + time);
}

HttpServer::HttpServer(ListenSocket socket, Handler handler, const HttpLimits& limits)
    : socket_(std::move(socket)),
      handler_(std::move(handler)),
      limits_(limits),
      ending_late_ones_([this](const std::stop_token& stop) { open_sockets_.end_late_ones(stop); }) {
  // MHD closes the descriptor when it stops.
  const MHD_OptionItem options[] = {
      {MHD_OPTION_LISTEN_SOCKET, socket_.release(), nullptr},
      {MHD_OPTION_THREAD_POOL_SIZE, static_cast<intptr_t>(limits_.threads), nullptr},
      {MHD_OPTION_CONNECTION_MEMORY_LIMIT, static_cast<intptr_t>(limits_.header_bytes), nullptr},
      {MHD_OPTION_CONNECTION_LIMIT, static_cast<intptr_t>(limits_.connections), nullptr},
      {MHD_OPTION_PER_IP_CONNECTION_LIMIT,
       static_cast<intptr_t>(socket_.is_unix() ? 0 : limits_.connections_a_client), nullptr},
      {MHD_OPTION_CONNECTION_TIMEOUT, static_cast<intptr_t>(limits_.idle.count()), nullptr},
      {MHD_OPTION_STRICT_FOR_CLIENT, 1, nullptr},
      {MHD_OPTION_UNESCAPE_CALLBACK, reinterpret_cast<intptr_t>(&keep_encoded), nullptr},
      {MHD_OPTION_NOTIFY_COMPLETED, reinterpret_cast<intptr_t>(&Exchange::on_end), this},
      {MHD_OPTION_NOTIFY_CONNECTION, reinterpret_cast<intptr_t>(&Exchange::on_connection), this},
      {MHD_OPTION_END, 0, nullptr}};
  daemon_.reset(MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC, 0, nullptr, nullptr,
                                 &Exchange::on_call, this, MHD_OPTION_ARRAY, options, MHD_OPTION_END));
  if (!daemon_)
    throw Error(ErrorKind::internal, fmt::format("starting the HTTP server on {} failed", address()));
}

// MHD before 1.0 must not read a request while it stops: where it would refuse one by itself (a malformed
// chunk, no Host), MHD_queue_response() pretends to have taken the answer, and MHD then reads it through a
// null pointer. So connections end first; one that comes later is shut down before MHD polls it, and polling
// a socket that is shut down in both directions makes MHD close it without reading a request.
HttpServer::~HttpServer() { open_sockets_.end_all(); }

void HttpServer::StopDaemon::operator()(MHD_Daemon* daemon) const { MHD_stop_daemon(daemon); }

}  // namespace refsyncd
