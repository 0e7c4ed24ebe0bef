#include <gmock/gmock.h>

#include <atomic>

#include "http/async_client_fixture.h"
#include "http/fault_server.h"
#include "support/manual_clock.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;
using testing::AnyOf;
using testing::EndsWith;
using testing::HasSubstr;

/// Tests in which the other side, or the network, does wrong.
class AsyncHttpClientInTrouble : public AsyncHttpClient {
 protected:
  /// The trouble a GET ends with when each connection is treated like this after the request was read.
  HttpTrouble trouble_of(const std::function<void(Peer&)>& treatment, HttpSend request = {}) {
    const FaultServer server([&](Peer& peer) {
      if (peer.read_request()) treatment(peer);
    });
    request.url = server.url();
    return ask(std::move(request)).trouble.value();
  }
};

void expect_transient(const HttpTrouble& trouble, const std::string& message) {
  EXPECT_EQ(trouble.failure.kind, ErrorKind::transient);
  EXPECT_TRUE(trouble.maybe_acted);
  EXPECT_THAT(trouble.failure.message, HasSubstr(message));
}

TEST_F(AsyncHttpClientInTrouble, does_not_take_a_part_for_the_whole) {
  expect_transient(
      trouble_of([](Peer& peer) { peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"); }),
      "99 bytes remaining");
  expect_transient(trouble_of([](Peer& peer) {
                     peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{");
                   }),
                   "outstanding read data");
}

TEST_F(AsyncHttpClientInTrouble, reports_a_connection_that_dies) {
  expect_transient(trouble_of([](Peer&) {}), "Empty reply");
  expect_transient(trouble_of([](Peer& peer) { peer.reset(); }), "reset");
  expect_transient(trouble_of([](Peer& peer) {
                     peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{");
                     peer.reset();
                   }),
                   "127.0.0.1");
}

TEST_F(AsyncHttpClientInTrouble, blames_the_server_for_what_is_not_http) {
  expect_transient(trouble_of([](Peer& peer) { peer.send("220 mail.example.com ESMTP\r\n"); }), "HTTP/0.9");
  expect_transient(trouble_of([](Peer& peer) { peer.send("HTTP/1.1 200 OK\r\nContent-Length: -7\r\n\r\n"); }),
                   "Content-Length");
}

TEST_F(AsyncHttpClientInTrouble, does_not_read_on_in_a_body_over_the_limit) {
  constexpr size_t gibibyte = 1 << 30;
  for (const std::string head : {"Content-Length: 1073741824", "Connection: close"}) {
    std::atomic<size_t> sent = 0;
    const auto trouble = trouble_of(
        [&](Peer& peer) {
          const std::string piece(1 << 16, 'x');
          bool taken = peer.send("HTTP/1.1 200 OK\r\n" + head + "\r\n\r\n");
          while (taken && sent < gibibyte) {
            taken = peer.send(piece);
            sent += piece.size();
          }
        },
        {.answer_limit = 100'000});
    expect_transient(trouble, "larger than 100000 bytes");
    EXPECT_LT(sent, size_t{32 << 20}) << "more than the kernel's buffers hold";
  }
}

TEST_F(AsyncHttpClientInTrouble, takes_a_body_at_the_limit) {
  const FaultServer server([](Peer& peer) {
    while (peer.read_request()) peer.answer("200 OK", "12345");
  });
  EXPECT_EQ(ask({.url = server.url(), .answer_limit = 5}).answer.value().body, "12345");
  EXPECT_TRUE(ask({.url = server.url(), .answer_limit = 4}).trouble);
}

TEST_F(AsyncHttpClientInTrouble, does_not_read_headers_without_end) {
  expect_transient(trouble_of([](Peer& peer) {
                     const std::string line = "X-More: " + std::string(5000, 'x') + "\r\n";
                     bool taken = peer.send("HTTP/1.1 200 OK\r\n");
                     while (taken) taken = peer.send(line);
                   }),
                   "headers");
}

TEST_F(AsyncHttpClientInTrouble, gives_up_on_silence) {
  expect_transient(trouble_of([](Peer& peer) { peer.wait_for_close(); }, {.first_byte = 30ms}),
                   "no answer for 30ms");
}

TEST_F(AsyncHttpClientInTrouble, gives_up_on_an_answer_that_stops) {
  expect_transient(trouble_of(
                       [](Peer& peer) {
                         peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{");
                         peer.wait_for_close();
                       },
                       {.stall = 30ms}),
                   "the answer stopped for 30ms");
}

TEST_F(AsyncHttpClientInTrouble, gives_up_on_an_answer_that_drips) {
  expect_transient(trouble_of(
                       [](Peer& peer) {
                         bool taken = peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{");
                         while (taken) {
                           std::this_thread::sleep_for(2ms);
                           taken = peer.send("x");
                         }
                       },
                       {.timeout = 80ms}),
                   "no whole answer in 80ms");
}

TEST_F(AsyncHttpClientInTrouble, waits_to_the_millisecond) {
  std::atomic<bool> came = false;
  const FaultServer server([&](Peer& peer) {
    came = peer.read_request().has_value();
    peer.wait_for_close();
  });
  ManualClock clock;
  HttpClient client(loop, clock, {});
  Told told;
  client.send({.url = server.url(), .first_byte = 20s}, told.listener());
  turn_until(client, [&] { return came.load(); });
  clock.advance(20s - 1ms);
  client.tick();
  EXPECT_EQ(told.calls, 0);
  EXPECT_LE(client.next_wake(), clock.steady() + 1ms);
  clock.advance(1ms);
  client.tick();
  EXPECT_THAT(told.trouble.value().failure.message, EndsWith("no answer for 20s"));
}

TEST_F(AsyncHttpClientInTrouble, knows_that_nothing_was_sent_where_it_could_not_connect) {
  const auto address = ListenSocket::tcp("127.0.0.1:0", "http.listen").address();
  const auto trouble = ask({.method = "POST", .url = "http://" + address + "/secret"}).trouble.value();
  EXPECT_EQ(trouble.failure, (Failure{ErrorKind::transient, "http://" + address + ": Connection refused"}));
  EXPECT_FALSE(trouble.maybe_acted);
}

TEST_F(AsyncHttpClientInTrouble, knows_that_nothing_was_sent_where_a_name_has_no_address) {
  const auto trouble =
      ask({.url = "http://nowhere.invalid/"}, {.proxies = false, .connect_timeout = 500ms}).trouble.value();
  EXPECT_EQ(trouble.failure.kind, ErrorKind::transient);
  EXPECT_FALSE(trouble.maybe_acted);
}

TEST_F(AsyncHttpClientInTrouble, gives_up_on_a_server_that_does_not_shake_hands) {
  const FaultServer server([](Peer& peer) { peer.wait_for_close(); });
  const auto trouble =
      ask({.url = "https://" + server.address()}, {.connect_timeout = 300ms}).trouble.value();
  EXPECT_EQ(trouble.failure.kind, ErrorKind::transient);
  EXPECT_FALSE(trouble.maybe_acted);
  EXPECT_THAT(trouble.failure.message, AnyOf(HasSubstr("timeout"), HasSubstr("timed out")));
}

TEST_F(AsyncHttpClientInTrouble, takes_no_credential_to_another_host) {
  const FaultServer other([](Peer& peer) { peer.wait_for_close(); });
  const FaultServer server([&](Peer& peer) {
    if (peer.read_request()) peer.answer("302 Found\r\nLocation: " + other.url());
  });
  EXPECT_EQ(ask({.url = server.url(), .headers = {{"Authorization", "Bearer x"}}}).answer.value().status,
            302);
  EXPECT_EQ(other.connections(), 0U);
}

TEST_F(AsyncHttpClientInTrouble, sends_no_more_than_once_what_may_act) {
  for (const auto& [method, repeatable] : std::vector<std::pair<std::string, bool>>{
           {"GET", false}, {"POST", false}, {"DELETE", false}, {"POST", true}}) {
    std::atomic<int> requests = 0;
    const FaultServer server([&](Peer& peer) {  // answers one request a connection, and closes under the next
      if (!peer.read_request()) return;
      ++requests;
      peer.answer("200 OK");
      if (peer.read_request()) ++requests;
    });
    HttpClient client(loop, system_clock, {});
    Told first;
    Told second;
    client.send({.method = method, .url = server.url()}, first.listener());
    client.send({.method = method,
                 .url = server.url(),
                 .body = method == "POST" ? "0000" : "",
                 .repeatable = repeatable},
                second.listener());
    turn_to_the_end(client);
    EXPECT_TRUE(first.answer) << method;
    if (method == "GET" || repeatable) {
      EXPECT_TRUE(second.answer) << method;
      EXPECT_EQ(requests, 3);
    } else {
      expect_transient(second.trouble.value(), "not sent again");
      EXPECT_EQ(requests, 2) << method;
    }
  }
}

TEST_F(AsyncHttpClientInTrouble, refuses_what_cannot_be_sent) {
  const FaultServer server([](Peer& peer) { peer.wait_for_close(); });
  for (const HttpSend& request :
       {HttpSend{.url = ""}, HttpSend{.url = "/relative"}, HttpSend{.url = "http://["},
        HttpSend{.url = "file:///etc/passwd"}, HttpSend{.url = "ftp://127.0.0.1/"},
        HttpSend{.url = server.url(), .headers = {{"X-A", "1\r\nX-B: 2"}}},
        HttpSend{.url = server.url(), .headers = {{"X-A: 1\r\nX-B", "2"}}},
        HttpSend{.url = server.url(), .headers = {{"", "2"}}}}) {
    const auto trouble = ask(request).trouble.value();
    EXPECT_EQ(trouble.failure.kind, ErrorKind::bad_config) << request.url;
    EXPECT_FALSE(trouble.maybe_acted);
  }
  EXPECT_EQ(server.connections(), 0U);
}

/// Sets a variable of the environment for one test.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { ::unsetenv(name_); }

 private:
  const char* name_;
};

TEST_F(AsyncHttpClientInTrouble, stays_away_from_addresses_that_are_not_public) {
  const FaultServer server([](Peer& peer) { peer.wait_for_close(); });
  const Variable proxy("http_proxy", server.url());
  const auto port = server.address().substr(server.address().rfind(':'));
  for (const std::string host :
       {"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0"}) {
    const auto trouble = ask({.url = "http://" + host + port}, {.public_only = true}).trouble.value();
    EXPECT_EQ(trouble.failure.kind, ErrorKind::bad_config) << host;
    EXPECT_THAT(trouble.failure.message, HasSubstr("not one of the public internet"));
    EXPECT_FALSE(trouble.maybe_acted);
  }
  EXPECT_EQ(server.connections(), 0U);
}

TEST_F(AsyncHttpClientInTrouble, uses_the_proxy_of_the_environment_unless_told_not_to) {
  const FaultServer proxy([](Peer& peer) {
    while (const auto request = peer.read_request()) peer.answer("200 OK", *request);
  });
  const Variable variable("http_proxy", proxy.url());
  EXPECT_THAT(ask({.url = "http://nowhere.invalid/x"}).answer.value().body,
              testing::StartsWith("GET http://nowhere.invalid/x HTTP/1.1"));
  EXPECT_TRUE(ask({.url = "http://nowhere.invalid/x"}, {.proxies = false, .connect_timeout = 500ms}).trouble);
}

}  // namespace
}  // namespace refsyncd
