#include "http/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <semaphore>
#include <string>

#include "http/server.h"
#include "support/temporary_directory.h"

namespace refsyncd {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

/// The error the call ends with.
Error error_of(const HttpCall& call) {
  try {
    http_call(call);
  } catch (const Error& error) {
    return error;
  }
  return {ErrorKind::internal, "(nothing was thrown)"};
}

HttpCall to(const std::string& url) { return {.url = url}; }
ListenSocket any_port() { return ListenSocket::tcp("127.0.0.1:0", "http.listen"); }

TEST(HttpClient, SendsTheBodyWithItsType) {
  const HttpServer server(any_port(), [](const HttpRequest& request) {
    return HttpResponse{.body = request.method + request.headers.at("content-type") + request.body};
  });
  auto call = to("http://" + server.address());
  call.method = "PATCH";
  call.body = std::string("a\0b", 3);
  EXPECT_EQ(http_call(call).body, std::string("PATCHapplication/jsona\0b", 24));
}

TEST(HttpClient, SendsAnEmptyPost) {
  const HttpServer server(any_port(), [](const HttpRequest& request) {
    return HttpResponse{.body = request.method + request.headers.at("content-length")};
  });
  auto call = to("http://" + server.address());
  call.method = "POST";
  EXPECT_EQ(http_call(call).body, "POST0");
}

TEST(HttpClient, SaysThatNobodyListensWhenTheUnixSocketDoesNotExist) {
  const TemporaryDirectory folder;
  EXPECT_THROW(http_call({.url = "http://refsyncd/", .unix_socket = folder / "none.sock"}), NobodyListens);
}

TEST(HttpClient, SaysThatNobodyListensOnAStaleUnixSocket) {
  const TemporaryDirectory folder;
  auto socket = ListenSocket::unix_path(folder / "stale.sock", "http.socket");
  FileDescriptor(socket.release()).reset();
  EXPECT_THROW(http_call({.url = "http://refsyncd/", .unix_socket = folder / "stale.sock"}), NobodyListens);
}

TEST(HttpClient, SaysThatNobodyListensOnAClosedPort) {
  const auto address = any_port().address();
  EXPECT_THROW(http_call(to("http://" + address)), NobodyListens);
}

TEST(HttpClient, NamesWhereItWantedToConnect) {
  EXPECT_EQ(std::string(error_of({.url = "http://refsyncd/", .unix_socket = "/nonexistent.sock"}).what()),
            "connecting to /nonexistent.sock: No such file or directory");
}

TEST(HttpClient, GivesUpOnASlowAnswer) {
  std::binary_semaphore leave{0};
  const HttpServer server(any_port(), [&](const HttpRequest&) {
    leave.acquire();
    return HttpResponse{};
  });
  auto call = to("http://" + server.address());
  call.timeout = milliseconds(50);
  EXPECT_EQ(error_of(call).kind(), ErrorKind::transient);
  EXPECT_THAT(error_of(call).what(), HasSubstr("Timeout was reached"));
  leave.release();
  leave.release();
}

TEST(HttpClient, TakesAReplyAtTheLimitAndNoByteMore) {
  const HttpServer server(any_port(),
                          [](const HttpRequest&) { return HttpResponse{.body = std::string(100'000, 'x')}; });
  auto call = to("http://" + server.address());
  call.reply_limit = 100'000;
  EXPECT_EQ(http_call(call).body.size(), 100'000U);
  call.reply_limit = 99'999;
  EXPECT_THAT(error_of(call).what(), HasSubstr("the reply is larger than 99999 bytes"));
}

TEST(HttpClient, FollowsNoRedirect) {
  const HttpServer server(any_port(), [](const HttpRequest&) {
    return HttpResponse{.status = 302, .headers = {{"Location", "/elsewhere"}}};
  });
  EXPECT_EQ(http_call(to("http://" + server.address())).status, 302);
}

TEST(HttpClient, RefusesUrlsItCannotUse) {
  EXPECT_EQ(error_of(to("file:///etc/passwd")).kind(), ErrorKind::bad_config);
  EXPECT_EQ(error_of(to("http://[")).kind(), ErrorKind::bad_config);
}

}  // namespace
}  // namespace refsyncd
