#include "http/async_client.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <mutex>
#include <semaphore>

#include "http/async_client_fixture.h"
#include "http/fault_server.h"
#include "support/manual_clock.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

/// Answers each request of a connection with its own text.
void echo(Peer& peer) {
  while (const auto request = peer.read_request()) peer.answer("200 OK", *request);
}

FaultServer::Script saying(std::string answer) {
  return [answer = std::move(answer)](Peer& peer) {
    if (peer.read_request()) peer.send(answer);
  };
}

TEST_F(AsyncHttpClient, takes_every_status_for_an_answer) {
  for (const auto status : {200, 201, 202, 206, 300, 301, 302, 307, 308, 400, 401, 403, 404, 406,
                            409, 410, 418, 422, 429, 451, 500, 501, 502, 503, 504, 599, 999}) {
    const FaultServer server([&](Peer& peer) {
      if (peer.read_request()) peer.answer(std::to_string(status) + " Whatever", "text");
    });
    const auto told = ask({.url = server.url()});
    ASSERT_TRUE(told.answer) << status;
    EXPECT_EQ(told.answer->status, status);
    EXPECT_EQ(told.answer->body, "text");
    EXPECT_EQ(told.answer->retry_after, std::nullopt);
  }
}

TEST_F(AsyncHttpClient, takes_an_answer_without_a_body) {
  for (const auto status : {204, 304}) {
    const FaultServer server(saying("HTTP/1.1 " + std::to_string(status) + " Nothing\r\n\r\n"));
    EXPECT_EQ(ask({.url = server.url()}).answer.value().status, status);
  }
}

TEST_F(AsyncHttpClient, takes_the_answer_after_an_early_hint) {
  const FaultServer server(
      saying("HTTP/1.1 103 Early Hints\r\nRetry-After: 9\r\n\r\n"
             "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"));
  const auto told = ask({.url = server.url()});
  EXPECT_EQ(told.answer.value().status, 200);
  EXPECT_EQ(told.answer.value().body, "{}");
  EXPECT_EQ(told.answer.value().retry_after, std::nullopt);
}

TEST_F(AsyncHttpClient, says_where_a_redirect_points) {
  const auto location = [&](const std::string& status, const std::string& header) {
    const FaultServer server(
        saying("HTTP/1.1 " + status + " Moved\r\n" + header + "Content-Length: 0\r\n\r\n"));
    const auto answer = ask({.url = server.url("/a/b?c")}).answer.value();
    const auto start = answer.location.find(server.url(""));
    return start == std::string::npos ? answer.location : answer.location.substr(server.url("").size());
  };
  EXPECT_EQ(location("301", "Location: https://elsewhere.invalid/x\r\n"), "https://elsewhere.invalid/x");
  EXPECT_EQ(location("307", "Location: /x?y\r\n"), "/x?y");
  EXPECT_EQ(location("308", "Location: x\r\n"), "/a/x");
  EXPECT_EQ(location("302", ""), "");
  EXPECT_EQ(location("201", "Location: /x\r\n"), "");
}

TEST_F(AsyncHttpClient, hands_over_what_a_proxy_says_in_html) {
  const FaultServer server([](Peer& peer) {
    if (peer.read_request())
      peer.answer("502 Bad Gateway\r\nContent-Type: text/html; charset=utf-8", "<html>");
  });
  const auto answer = ask({.url = server.url()}).answer.value();
  EXPECT_EQ(answer.status, 502);
  EXPECT_EQ(answer.content_type, "text/html; charset=utf-8");
  EXPECT_EQ(answer.body, "<html>");
}

TEST_F(AsyncHttpClient, reads_when_to_come_back) {
  ManualClock clock;  // Monday, 2026-01-05 00:00:00
  const auto wish = [&](const std::string& value) {
    const FaultServer server([&](Peer& peer) {
      if (peer.read_request()) peer.answer("503 Later\r\nretry-after: " + value);
    });
    HttpClient client(loop, clock, {});
    Told told;
    client.send({.url = server.url()}, told.listener());
    turn_to_the_end(client);
    return told.answer.value().retry_after;
  };
  EXPECT_EQ(wish("17"), 17s);
  EXPECT_EQ(wish("Mon, 05 Jan 2026 00:01:00 GMT"), 60s);
  EXPECT_EQ(wish("Sun, 04 Jan 2026 23:59:00 GMT"), 0s);
  EXPECT_EQ(wish("9999999"), 24h);
  EXPECT_EQ(wish("when it suits you"), std::nullopt);
}

/// What gzip makes of what the command says.
std::string zipped(const std::string& command) {
  const Owned<FILE, ::pclose> pipe(::popen((command + " | gzip -c").c_str(), "r"));
  std::string all;
  std::array<char, 4096> bytes{};
  while (const auto count = std::fread(bytes.data(), 1, bytes.size(), pipe.get()))
    all.append(bytes.data(), count);
  return all;
}

TEST_F(AsyncHttpClient, decompresses_where_asked_to) {
  const auto body = zipped("printf hello");
  const FaultServer server([&](Peer& peer) {
    while (const auto request = peer.read_request()) {
      const bool offered = request->find("Accept-Encoding: gzip, deflate\r\n") != std::string::npos;
      peer.answer(offered ? "200 OK\r\nContent-Encoding: gzip" : "406 No", body);
    }
  });
  EXPECT_EQ(ask({.url = server.url(), .decompress = true}).answer.value().body, "hello");
  EXPECT_EQ(ask({.url = server.url()}).answer.value().status, 406);
}

TEST_F(AsyncHttpClient, limits_what_comes_out_of_a_compressed_body) {
  const auto bomb = zipped("head -c 50000000 /dev/zero");
  ASSERT_LT(bomb.size(), 100'000U);
  const FaultServer server([&](Peer& peer) {
    if (peer.read_request()) peer.answer("200 OK\r\nContent-Encoding: gzip", bomb);
  });
  const auto told = ask({.url = server.url(), .answer_limit = 1'000'000, .decompress = true});
  EXPECT_THAT(told.trouble.value().failure.message, HasSubstr("larger than 1000000 bytes"));
}

TEST_F(AsyncHttpClient, reports_what_cannot_be_decompressed) {
  const FaultServer server([&](Peer& peer) {
    if (peer.read_request()) peer.answer("200 OK\r\nContent-Encoding: gzip", "not zipped at all");
  });
  EXPECT_EQ(ask({.url = server.url(), .decompress = true}).trouble.value().failure.kind,
            ErrorKind::transient);
}

TEST_F(AsyncHttpClient, takes_nothing_from_one_request_to_the_next) {
  const FaultServer server(echo);
  HttpClient client(loop, system_clock, {});
  Told first;
  Told second;
  client.send({.method = "POST",
               .url = server.url("/first"),
               .headers = {{"Authorization", "Bearer secret"}},
               .body = "body",
               .answer_limit = 1000,
               .decompress = true,
               .on_body = [](std::string_view) { return Take::more; }},
              first.listener());
  client.send({.url = server.url("/second")}, second.listener());
  turn_to_the_end(client);
  EXPECT_TRUE(first.answer);
  EXPECT_EQ(server.connections(), 1U);
  const auto request = second.answer.value().body;
  EXPECT_THAT(request, testing::StartsWith("GET /second HTTP/1.1\r\n"));
  EXPECT_THAT(request, testing::EndsWith("\r\n\r\n"));
  for (const auto* left : {"secret", "Content-Length", "Accept-Encoding", "body"}) {
    EXPECT_THAT(request, Not(HasSubstr(left)));
  }
}

TEST_F(AsyncHttpClient, never_decompresses_unasked) {
  const FaultServer server([](Peer& peer) {
    if (peer.read_request()) peer.answer("200 OK\r\nContent-Encoding: gzip", "\x1f\x8b raw");
  });
  EXPECT_EQ(ask({.url = server.url()}).answer.value().body, "\x1f\x8b raw");
}

TEST_F(AsyncHttpClient, sends_what_it_is_told_and_little_else) {
  const FaultServer server(echo);
  const auto request = ask({.method = "PATCH",
                            .url = server.url("/a%20b?c=d"),
                            .headers = {{"Authorization", "Bearer secret"}, {"X-Empty", ""}},
                            .body = "{\"a\":1}"})
                           .answer.value()
                           .body;
  EXPECT_THAT(request, testing::StartsWith("PATCH /a%20b?c=d HTTP/1.1\r\n"));
  EXPECT_THAT(request, HasSubstr("Authorization: Bearer secret\r\n"));
  EXPECT_THAT(request, HasSubstr("X-Empty:\r\n"));
  EXPECT_THAT(request, HasSubstr("User-Agent: refsyncd/"));
  EXPECT_THAT(request, Not(HasSubstr("Content-Type")));
  EXPECT_THAT(request, Not(HasSubstr("Accept-Encoding")));
  EXPECT_THAT(request, testing::EndsWith("\r\n\r\n{\"a\":1}"));
  const auto typed = ask({.method = "POST", .url = server.url(), .headers = {{"content-type", "text/x"}}});
  EXPECT_THAT(typed.answer.value().body, HasSubstr("content-type: text/x\r\n"));
  EXPECT_THAT(typed.answer.value().body, HasSubstr("Content-Length: 0\r\n"));
}

TEST_F(AsyncHttpClient, sends_a_large_body_at_once) {
  const FaultServer server([](Peer& peer) {
    const auto request = peer.read_request();
    if (request) {
      peer.answer(request->find("Expect") == std::string::npos ? "200 OK" : "417 No",
                  std::to_string(request->size()));
    }
  });
  const auto told = ask({.method = "POST", .url = server.url(), .body = std::string(3 << 20, 'x')});
  EXPECT_EQ(told.answer.value().status, 200);
  EXPECT_GT(std::stoul(told.answer.value().body), size_t{3 << 20});
}

TEST_F(AsyncHttpClient, asks_for_the_head_alone) {
  const FaultServer server(saying("HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n"));
  EXPECT_EQ(ask({.method = "HEAD", .url = server.url()}).answer.value().status, 200);
}

TEST_F(AsyncHttpClient, sends_two_hundred_requests_over_one_connection) {
  const FaultServer server(echo);
  HttpClient client(loop, system_clock, {});
  std::vector<Told> told(200);
  for (auto& one : told) client.send({.url = server.url()}, one.listener());
  EXPECT_EQ(client.pending(), 200U);
  turn_to_the_end(client);
  EXPECT_TRUE(
      std::all_of(told.begin(), told.end(), [](const Told& one) { return one.calls == 1 && one.answer; }));
  EXPECT_EQ(server.connections(), 1U);
  EXPECT_EQ(client.connections_made(), 1U);
}

TEST_F(AsyncHttpClient, opens_no_more_connections_than_allowed_and_keeps_the_order_of_the_queue) {
  std::atomic<int> at_once = 0;
  int most = 0;
  std::counting_semaphore<> leave{0};
  std::mutex mutex;
  std::string begun;
  const auto script = [&](Peer& peer) {
    while (const auto request = peer.read_request()) {
      {
        const std::scoped_lock lock(mutex);
        begun += request->at(request->find(' ') + 2);  // "GET /a ..."
        most = std::max(most, ++at_once);
      }
      leave.acquire();
      --at_once;
      peer.answer("200 OK");
    }
  };
  const FaultServer one(script);
  const FaultServer other(script);
  HttpClient client(loop, system_clock, {.connections = 2, .connections_in_all = 3});
  size_t ended = 0;
  for (const auto& [name, server] :
       {std::pair{'a', &one}, {'b', &one}, {'c', &one}, {'d', &other}, {'e', &other}}) {
    client.send({.url = fmt::format("{}{}", server->url(), name)},
                [&ended](const HttpAnswer*, const HttpTrouble*) { ++ended; });
  }
  turn_until(client, [&] { return at_once == 3; });
  EXPECT_EQ(one.connections(), 2U);
  EXPECT_EQ(other.connections(), 1U);
  leave.release(5);
  turn_to_the_end(client);
  EXPECT_EQ(ended, 5U);
  const std::scoped_lock lock(mutex);
  EXPECT_EQ(begun.size(), 5U);
  EXPECT_GE(std::min(begun.find('c'), begun.find('e')), 3U) << begun;
  EXPECT_EQ(most, 3);
  EXPECT_LE(one.connections() + other.connections(), 4U);
}

TEST_F(AsyncHttpClient, counts_time_from_sending_and_not_from_queueing) {
  std::counting_semaphore<> leave{0};
  std::atomic<int> came = 0;
  const FaultServer server([&](Peer& peer) {
    while (peer.read_request()) {
      ++came;
      leave.acquire();
      peer.answer("200 OK");
    }
  });
  ManualClock clock;
  HttpClient client(loop, clock, {});
  Told first;
  Told second;
  client.send({.url = server.url()}, first.listener());
  client.send({.url = server.url()}, second.listener());
  turn_until(client, [&] { return came == 1; });
  clock.advance(19s);
  leave.release();
  turn_until(client, [&] { return came == 2; });
  clock.advance(19s);
  client.tick();
  leave.release();
  turn_to_the_end(client);
  EXPECT_TRUE(first.answer);
  EXPECT_TRUE(second.answer);
}

TEST_F(AsyncHttpClient, sends_from_within_an_answer) {
  const FaultServer server(echo);
  HttpClient client(loop, system_clock, {});
  int answers = 0;
  HttpClient::Done again = [&](const HttpAnswer* answer, const HttpTrouble*) {
    ASSERT_NE(answer, nullptr);
    if (++answers < 5) client.send({.url = server.url()}, again);
  };
  client.send({.url = server.url()}, again);
  turn_to_the_end(client);
  EXPECT_EQ(answers, 5);
  EXPECT_EQ(server.connections(), 1U);
}

TEST_F(AsyncHttpClient, says_nothing_before_it_is_turned) {
  HttpClient client(loop, system_clock, {});
  Told told;
  client.send({.url = "nonsense"}, told.listener());
  EXPECT_EQ(told.calls, 0);
  EXPECT_EQ(client.pending(), 1U);
  EXPECT_EQ(client.next_wake(), SteadyTime::min());
  client.tick();
  EXPECT_EQ(told.calls, 1);
  EXPECT_EQ(client.pending(), 0U);
  EXPECT_EQ(client.next_wake(), SteadyTime::max());
}

TEST_F(AsyncHttpClient, says_nothing_more_once_it_is_gone) {
  std::atomic<int> came = 0;
  const FaultServer server([&](Peer& peer) {
    while (peer.read_request()) ++came;
  });
  auto client = std::make_unique<HttpClient>(loop, system_clock, HttpClient::Settings{.connections = 4});
  std::vector<Told> told(10);
  for (auto& one : told) client->send({.url = server.url()}, one.listener());
  turn_until(*client, [&] { return came == 4; });
  client.reset();
  EXPECT_EQ(loop.run_once(SteadyTime::min()), 0U);
  EXPECT_TRUE(std::all_of(told.begin(), told.end(), [](const Told& one) { return one.calls == 0; }));
}

}  // namespace
}  // namespace refsyncd
