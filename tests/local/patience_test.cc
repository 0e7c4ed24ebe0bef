#include "local/patience.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "git/http_upstream.h"
#include "git/program.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;

Upstream at(const HttpUpstream& server) {
  return {.url = server.url("app.git"),
          .transport = Transport::http,
          .host = "127.0.0.1",
          .auth = {},
          .ca_file = ""};
}

TEST(Patience, is_what_the_server_asks_for_with_429_or_503) {
  int status = 429;
  HttpUpstream server(
      [&](const HttpRequest&) { return HttpUpstream::answer(status, "later", "Retry-After: 90\r\n"); });
  EXPECT_EQ(asked_patience(at(server)), 90s);
  status = 503;
  EXPECT_EQ(asked_patience(at(server)), 90s);
  status = 200;
  EXPECT_EQ(asked_patience(at(server)), std::nullopt);
}

TEST(Patience, is_not_asked_for_past_a_proxy) {
  HttpUpstream server(
      [](const HttpRequest&) { return HttpUpstream::answer(503, "later", "Retry-After: 90\r\n"); });
  ::setenv("http_proxy", "http://127.0.0.1:9", 1);
  EXPECT_EQ(asked_patience(at(server)), std::nullopt);
  ::unsetenv("http_proxy");
  EXPECT_TRUE(server.requests().empty());
}

TEST(Patience, is_not_asked_of_an_upstream_that_must_be_public) {
  HttpUpstream server(
      [](const HttpRequest&) { return HttpUpstream::answer(429, "later", "Retry-After: 90\r\n"); });
  auto upstream = at(server);
  upstream.public_only = true;
  EXPECT_EQ(asked_patience(upstream), std::nullopt);
  EXPECT_TRUE(server.requests().empty());
}

}  // namespace
}  // namespace refsyncd
