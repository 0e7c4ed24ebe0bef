#include "http/client.h"

#include <cerrno>
#include <system_error>

#include "base/clock.h"
#include "base/text.h"
#include "http/libcurl.h"
#include "http/retry_after.h"

namespace refsyncd {
namespace {

struct Received {
  std::string body;
  size_t limit = 0;
  bool too_large = false;
};

size_t receive(const char* data, size_t size, size_t count, void* to) noexcept {
  auto& received = *static_cast<Received*>(to);
  const size_t bytes = size * count;
  received.too_large = bytes > received.limit - received.body.size();
  if (received.too_large) return 0;
  try {
    received.body.append(data, bytes);
  } catch (const std::exception&) {
    return 0;
  }
  return bytes;
}

std::string where(const HttpCall& call) {
  return printable(call.unix_socket.empty() ? call.url : call.unix_socket.native(), 200);
}

[[noreturn]] void not_connected(const HttpCall& call, int problem) {
  const auto message = fmt::format("connecting to {}: {}", where(call),
                                   problem == 0 ? "failed" : std::generic_category().message(problem));
  if (problem == ECONNREFUSED || problem == ENOENT) throw NobodyListens(message);
  if (problem == EACCES || problem == EPERM) throw Error(ErrorKind::auth, message);
  throw Error(ErrorKind::transient, message);
}

void check(const Transfer& transfer, CURLcode result, const HttpCall& call, const Received& received) {
  if (result == CURLE_OK) return;
  if (result == CURLE_COULDNT_CONNECT) not_connected(call, connect_problem(transfer));
  throw Error(kind_of(result),
              received.too_large
                  ? fmt::format("{}: the reply is larger than {} bytes", where(call), call.reply_limit)
                  : fmt::format("{}: {}", where(call), curl_easy_strerror(result)));
}

HeaderList headers_of(const HttpCall& call) {
  if (call.body.empty()) return nullptr;
  return HeaderList(curl_slist_append(nullptr, fmt::format("Content-Type: {}", call.content_type).c_str()));
}

void prepare(const Transfer& transfer, const HttpCall& call) {
  set_request(transfer, call.url, call.method, call.body);
  set(transfer, CURLOPT_PROXY, "");
  set(transfer, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(call.connect_timeout.count()));
  set(transfer, CURLOPT_TIMEOUT_MS, static_cast<long>(call.timeout.count()));
  if (!call.ca_file.empty()) {
    set(transfer, CURLOPT_CAINFO, call.ca_file.c_str());
    set(transfer, CURLOPT_CAPATH, nullptr);
  }
  if (!call.unix_socket.empty()) set(transfer, CURLOPT_UNIX_SOCKET_PATH, call.unix_socket.c_str());
}

HttpReply reply_of(const Transfer& transfer, std::string body) {
  return {.status = status_of(transfer),
          .content_type = header_of(transfer, "Content-Type"),
          .body = std::move(body),
          .retry_after = retry_after(header_of(transfer, "Retry-After"), SystemClock().now())};
}

}  // namespace

HttpReply http_call(const HttpCall& call) {
  initialise_libcurl();
  const Transfer transfer(curl_easy_init());
  if (!transfer) throw Error(ErrorKind::internal, "starting an HTTP call failed");
  prepare(transfer, call);
  const auto headers = headers_of(call);
  set(transfer, CURLOPT_HTTPHEADER, headers.get());
  Received received{.body = {}, .limit = call.reply_limit};
  set(transfer, CURLOPT_WRITEFUNCTION, &receive);
  set(transfer, CURLOPT_WRITEDATA, static_cast<void*>(&received));
  check(transfer, curl_easy_perform(transfer.get()), call, received);
  return reply_of(transfer, std::move(received.body));
}

}  // namespace refsyncd
