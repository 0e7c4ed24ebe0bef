#include "http/client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <cerrno>
#include <system_error>

#include "base/handle.h"
#include "base/text.h"

namespace refsyncd {
namespace {

using Transfer = Owned<CURL, curl_easy_cleanup>;
using HeaderList = Owned<curl_slist, curl_slist_free_all>;

/// libcurl's process-wide state, set up at the first call and kept.
void initialise_libcurl() {
  static const auto result = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (result != CURLE_OK) throw Error(ErrorKind::internal, "starting libcurl failed");
}

template <class Value>
void set(const Transfer& transfer, CURLoption option, Value value) {
  const auto result = curl_easy_setopt(transfer.get(), option, value);
  if (result != CURLE_OK) {
    throw Error(ErrorKind::internal, fmt::format("preparing an HTTP call: {}", curl_easy_strerror(result)));
  }
}

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

ErrorKind kind_of(CURLcode result) {
  switch (result) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_SSL_CACERT_BADFILE: return ErrorKind::bad_config;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS: return ErrorKind::untrusted;
    case CURLE_OUT_OF_MEMORY: return ErrorKind::internal;
    default: return ErrorKind::transient;
  }
}

void check(const Transfer& transfer, CURLcode result, const HttpCall& call, const Received& received) {
  if (result == CURLE_OK) return;
  if (result == CURLE_COULDNT_CONNECT) {
    long problem = 0;
    curl_easy_getinfo(transfer.get(), CURLINFO_OS_ERRNO, &problem);
    not_connected(call, static_cast<int>(problem));
  }
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
  set(transfer, CURLOPT_URL, call.url.c_str());
  set(transfer, CURLOPT_PROTOCOLS_STR, "http,https");
  set(transfer, CURLOPT_PROXY, "");
  set(transfer, CURLOPT_NOSIGNAL, 1L);
  set(transfer, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(call.connect_timeout.count()));
  set(transfer, CURLOPT_TIMEOUT_MS, static_cast<long>(call.timeout.count()));
  if (!call.unix_socket.empty()) set(transfer, CURLOPT_UNIX_SOCKET_PATH, call.unix_socket.c_str());
  if (!call.body.empty() || call.method == "POST") {
    set(transfer, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
    set(transfer, CURLOPT_POSTFIELDS, call.body.data());
  }
  if (call.method == "HEAD") {
    set(transfer, CURLOPT_NOBODY, 1L);
  } else {
    set(transfer, CURLOPT_CUSTOMREQUEST, call.method.c_str());
  }
}

HttpReply reply_of(const Transfer& transfer, std::string body) {
  HttpReply reply;
  reply.body = std::move(body);
  long status = 0;
  curl_easy_getinfo(transfer.get(), CURLINFO_RESPONSE_CODE, &status);
  reply.status = static_cast<int>(status);
  const char* type = nullptr;
  curl_easy_getinfo(transfer.get(), CURLINFO_CONTENT_TYPE, &type);
  if (type != nullptr) reply.content_type = type;
  curl_off_t wait = 0;
  curl_easy_getinfo(transfer.get(), CURLINFO_RETRY_AFTER, &wait);
  if (wait > 0) reply.retry_after = std::chrono::seconds(wait);
  return reply;
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
