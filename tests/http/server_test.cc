#include "http/server.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "http/client.h"
#include "http/raw_connection.h"
#include "support/temporary_directory.h"

namespace refsyncd {
namespace {

using std::chrono::seconds;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// Says back what it was asked.
HttpResponse echo(const HttpRequest& request) {
  std::string text = request.method + " " + request.path + "\n";
  for (const auto& [name, value] : request.query) text += name + "=" + value + "\n";
  return {.content_type = "text/plain", .body = text + request.body};
}

ListenSocket any_port() { return ListenSocket::tcp("127.0.0.1:0", "http.listen"); }

HttpReply get(const HttpServer& server, const std::string& target) {
  return http_call({.url = "http://" + server.address() + target});
}
HttpReply post(const HttpServer& server, const std::string& body) {
  return http_call({.method = "POST", .url = "http://" + server.address() + "/", .body = body});
}
/// The whole exchange of one hand-written request whose connection the server closes.
std::string exchange_with(const HttpServer& server, const std::string& request) {
  RawConnection connection(server.port());
  connection.send(request);
  return connection.read_to_end();
}
std::string line(const std::string& request_line) {
  return request_line + "\r\nHost: x\r\nConnection: close\r\n\r\n";
}

TEST(HttpServer, HandsOverMethodPathQueryAndBodyDecoded) {
  const HttpServer server(any_port(), echo);
  EXPECT_EQ(get(server, "/a%20b/c?repo=x%2Fy&flag&q=1+2").body, "GET /a b/c\nflag=\nq=1 2\nrepo=x/y\n");
  EXPECT_EQ(post(server, "hello").body, "POST /\nhello");
}

TEST(HttpServer, SendsTheStatusTypeAndHeadersOfTheHandler) {
  const HttpServer server(any_port(), [](const HttpRequest&) {
    return HttpResponse{
        .status = 503, .content_type = "text/x", .body = "no", .headers = {{"Retry-After", "7"}}};
  });
  const auto reply = get(server, "/");
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.content_type, "text/x");
  EXPECT_EQ(reply.body, "no");
  EXPECT_EQ(reply.retry_after, seconds(7));
}

TEST(HttpServer, GivesHeadersInLowerCase) {
  const HttpServer server(any_port(), [](const HttpRequest& request) {
    return HttpResponse{.body = request.headers.at("x-mixed-case")};
  });
  EXPECT_THAT(
      exchange_with(server, "GET / HTTP/1.1\r\nHost: x\r\nX-MiXeD-Case: Value\r\nConnection: close\r\n\r\n"),
      EndsWith("\r\n\r\nValue"));
}

TEST(HttpServer, AnswersHeadLikeGetWithoutTheBody) {
  const HttpServer server(any_port(), echo);
  const auto answer = exchange_with(server, line("HEAD /x HTTP/1.1"));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 7\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST(HttpServer, KeepsAConnectionOpenForSeveralRequests) {
  const HttpServer server(any_port(), echo);
  RawConnection connection(server.port());
  for (const char* path : {"/1", "/2", "/3"}) {
    ASSERT_TRUE(connection.send(std::string("GET ") + path + " HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_THAT(connection.read_until(std::string(path) + "\n"), EndsWith(std::string("GET ") + path + "\n"));
  }
}

TEST(HttpServer, TurnsWhateverTheHandlerThrowsIntoA500AndLivesOn) {
  const HttpServer server(any_port(), [](const HttpRequest& request) -> HttpResponse {
    if (request.path == "/error") throw Error(ErrorKind::transient, "token \"hunter2\"");
    if (request.path == "/standard") throw std::runtime_error("x");
    if (request.path == "/other") throw 7;
    return {.body = "fine"};
  });
  for (const char* path : {"/error", "/standard", "/other"}) {
    const auto reply = get(server, path);
    EXPECT_EQ(reply.status, 500) << path;
    EXPECT_EQ(reply.content_type, "application/json");
    EXPECT_EQ(reply.body, R"({"error":{"code":"internal","message":"the request could not be answered"}})");
  }
  EXPECT_EQ(get(server, "/").body, "fine");
}

/// Sends a byte now and then until the server ends the connection, or too much time has passed. True when it
/// was ended.
bool trickle(RawConnection& connection) {
  const auto patience = std::chrono::steady_clock::now() + seconds(20);
  while (std::chrono::steady_clock::now() < patience) {
    if (!connection.send("x")) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return false;
}

TEST(HttpServer, EndsARequestThatTricklesInHoweverBusyItIs) {
  const HttpServer server(any_port(), echo, {.idle = seconds(15), .request = seconds(1)});
  RawConnection head(server.port());
  ASSERT_TRUE(head.send("GET / HTTP/1.1\r\nX: "));
  EXPECT_TRUE(trickle(head));
  RawConnection body(server.port());
  ASSERT_TRUE(body.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"));
  EXPECT_TRUE(trickle(body));
  RawConnection second(server.port());
  ASSERT_TRUE(second.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"));
  second.read_until("GET /1\n");
  EXPECT_TRUE(trickle(second)) << "the next request of a connection has its time, too";
}

TEST(HttpServer, LetsOthersInOnceASlowClientsTimeIsOver) {
  const HttpServer server(any_port(), echo,
                          {.connections_a_client = 2, .idle = seconds(15), .request = seconds(1)});
  std::vector<std::jthread> slow;
  for (int i = 0; i < 2; ++i) {
    slow.emplace_back([&] {
      RawConnection connection(server.port());
      connection.send("GET / HTTP/1.1\r\nX: ");
      EXPECT_TRUE(trickle(connection));
    });
  }
  slow.clear();
  EXPECT_EQ(get(server, "/").status, 200);
}

TEST(HttpServer, EndsAConnectionWhoseAnswerIsReadTooSlowly) {
  const HttpServer server(any_port(),
                          [](const HttpRequest&) { return HttpResponse{.body = std::string(64 << 20, 'x')}; },
                          {.idle = seconds(15), .answer = seconds(1)});
  RawConnection connection(server.port());
  ASSERT_TRUE(connection.send(line("GET / HTTP/1.1")));
  EXPECT_TRUE(trickle(connection)) << "whatever it sends meanwhile";
}

TEST(HttpServer, LeavesAConnectionAloneWhoseRequestsComeInTime) {
  const HttpServer server(any_port(), echo, {.request = seconds(1), .answer = seconds(1)});
  RawConnection connection(server.port());
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(connection.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_THAT(connection.read_until("GET /1\n"), EndsWith("GET /1\n"));
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
  }
}

TEST(HttpServer, TakesABodyAtTheLimitAndRefusesOneByteMore) {
  const HttpServer server(any_port(), echo, {.body_bytes = 1000});
  EXPECT_EQ(post(server, std::string(1000, 'x')).status, 200);
  const auto refused = post(server, std::string(1001, 'x'));
  EXPECT_EQ(refused.status, 413);
  EXPECT_EQ(refused.body, R"({"error":{"code":"too_large","message":"the request body is too large"}})");
}

TEST(HttpServer, TakesALargerBodyWhereItIsToldTo) {
  const HttpServer server(any_port(), echo, {.body_bytes = 1000, .body_bytes_at = {{"/large", 3000}}});
  const auto head = [](const std::string& path, size_t size) {
    return fmt::format("POST {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{}",
                       path, size, std::string(size, 'x'));
  };
  EXPECT_THAT(exchange_with(server, head("/large", 3000)), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(exchange_with(server, head("/large", 3001)), StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(exchange_with(server, head("/larger", 1001)), StartsWith("HTTP/1.1 413"));
}

/// A server that takes up to 3000 bytes at /large, and holds 2500 bytes beyond the usual 1000 at a time.
struct LargeBodies : testing::Test {
  HttpServer server{
      any_port(),
      echo,
      {.body_bytes = 1000, .body_bytes_at = {{"/large", 3000}}, .extra_bytes = 2500, .threads = 1}};

  static std::string part(size_t sent) {
    return "POST /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3000\r\n\r\n" +
           std::string(sent, 'x');
  }
  std::unique_ptr<RawConnection> begin(size_t sent) {
    auto connection = std::make_unique<RawConnection>(server.port());
    connection->send(part(sent));
    return connection;
  }
  /// The answer to a whole body, asked for until it begins as expected.
  std::string answer_in_the_end(const std::string& expected) {
    std::string answer;
    for (int i = 0; i < 100 && !answer.starts_with(expected); ++i) answer = exchange_with(server, part(3000));
    return answer;
  }
};

TEST_F(LargeBodies, AreHeldWithinOneBoundForAll) {
  auto waiting = begin(2999);
  EXPECT_THAT(answer_in_the_end("HTTP/1.1 503"), StartsWith("HTTP/1.1 503")) << "once the other has arrived";
  EXPECT_EQ(post(server, std::string(1000, 'x')).status, 200) << "usual ones have room";
  waiting.reset();
  EXPECT_THAT(answer_in_the_end("HTTP/1.1 200"), StartsWith("HTTP/1.1 200")) << "once it is gone";
}

TEST_F(LargeBodies, TakeNoRoomBeforeTheyCome) {
  const auto announced = begin(0);
  const auto usual = begin(1000);
  EXPECT_THAT(exchange_with(server, part(3000)), StartsWith("HTTP/1.1 200"));
}

TEST_F(LargeBodies, TakeNoRoomOnceTheyAreRefused) {
  auto waiting = begin(2999);
  EXPECT_THAT(answer_in_the_end("HTTP/1.1 503"), StartsWith("HTTP/1.1 503"));
  const auto refused = begin(2999);
  EXPECT_THAT(exchange_with(server, part(3000)), StartsWith("HTTP/1.1 503"));
  waiting.reset();
  EXPECT_THAT(answer_in_the_end("HTTP/1.1 200"), StartsWith("HTTP/1.1 200"));
  refused->send("x");
  EXPECT_THAT(refused->read_to_end(), StartsWith("HTTP/1.1 503"));
}

TEST(HttpServer, RefusesAHugeBodyByItsDeclaredLengthWithoutReadingIt) {
  std::atomic<int> calls = 0;
  const HttpServer server(any_port(), [&](const HttpRequest& request) { return ++calls, echo(request); },
                          {.body_bytes = 1000});
  const auto answer =
      exchange_with(server, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 413"));
  EXPECT_EQ(calls, 0);
}

TEST(HttpServer, RefusesAChunkedBodyThatGrowsTooLarge) {
  const HttpServer server(any_port(), echo, {.body_bytes = 1000});
  const std::string chunk = "258\r\n" + std::string(600, 'x') + "\r\n";
  const auto head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
  EXPECT_THAT(exchange_with(server, head + chunk + "0\r\n\r\n"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(exchange_with(server, head + chunk + chunk + "0\r\n\r\n"), StartsWith("HTTP/1.1 413"));
}

TEST(HttpServer, CutsAChunkedBodyOffThatNeverEnds) {
  const HttpServer server(any_port(), echo, {.body_bytes = 1000});
  RawConnection connection(server.port());
  connection.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "258\r\n" + std::string(600, 'x') + "\r\n";
  int sent = 0;
  while (sent < 1'000'000 && connection.send(chunk)) ++sent;
  EXPECT_LT(sent, 1'000'000);
}

TEST(HttpServer, RefusesAHeadThatIsTooLarge) {
  const HttpServer server(any_port(), echo, {.header_bytes = 8 << 10});
  const std::string much(20'000, 'x');
  EXPECT_THAT(exchange_with(server, "GET / HTTP/1.1\r\nHost: x\r\nX-Much: " + much + "\r\n\r\n"),
              StartsWith("HTTP/1.1 431"));
  EXPECT_THAT(exchange_with(server, line("GET /" + much + " HTTP/1.1")), StartsWith("HTTP/1.1 414"));
  EXPECT_EQ(get(server, "/").status, 200);
}

class MalformedTarget : public testing::TestWithParam<const char*> {};
TEST_P(MalformedTarget, IsRefusedBeforeTheHandlerSeesIt) {
  std::atomic<int> calls = 0;
  const HttpServer server(any_port(), [&](const HttpRequest& request) { return ++calls, echo(request); });
  EXPECT_THAT(exchange_with(server, line(std::string("GET ") + GetParam() + " HTTP/1.1")),
              StartsWith("HTTP/1.1 400"));
  EXPECT_EQ(calls, 0);
}
INSTANTIATE_TEST_SUITE_P(Rows, MalformedTarget,
                         testing::Values("/%", "/%4", "/%zz", "/metrics%00", "/a%0d%0ab", "/%7f", "metrics",
                                         "*", "http://x/metrics", "/?a=%", "/?%zz=1", "/?a=1&b=%4"));

struct QueryRow {
  const char* name;
  const char* target;
  const char* expected;
};
void PrintTo(const QueryRow& row, std::ostream* out) { *out << row.name; }
class HostileQuery : public testing::TestWithParam<QueryRow> {};
TEST_P(HostileQuery, IsReadPlainly) {
  const HttpServer server(any_port(), echo);
  EXPECT_EQ(get(server, GetParam().target).body, GetParam().expected);
}
INSTANTIATE_TEST_SUITE_P(Rows, HostileQuery,
                         testing::Values(QueryRow{"first_of_two_counts", "/?a=1&a=2", "GET /\na=1\n"},
                                         QueryRow{"empty_query", "/?", "GET /\n"},
                                         QueryRow{"value_holds_equals_signs", "/?a=b=c", "GET /\na=b=c\n"},
                                         QueryRow{"not_utf8", "/?a=%ff%fe", "GET /\na=\xff\xfe\n"},
                                         QueryRow{"question_marks", "/?a=?b?", "GET /\na=?b?\n"},
                                         QueryRow{"dots_are_not_resolved", "/a/%2e%2e/b", "GET /a/../b\n"}),
                         [](const auto& row) { return row.param.name; });

TEST(HttpServer, BoundsHowManyQueryParametersARequestHas) {
  const HttpServer server(
      any_port(),
      [](const HttpRequest& request) { return HttpResponse{.body = std::to_string(request.query.size())}; },
      {.idle = seconds(1)});
  std::string target = "/?";
  for (int i = 0; i < 200; ++i) target += "k" + std::to_string(i) + "=v&";
  EXPECT_THAT(get(server, target).body, StartsWith("20"));
  EXPECT_THAT(exchange_with(server, line("GET /?" + std::string(20'000, '&') + " HTTP/1.1")),
              Not(HasSubstr(" 200 ")));
  EXPECT_EQ(get(server, "/?a=1").body, "1");
}

TEST(HttpServer, DoesNotLetSlowClientsBlockOthers) {
  const HttpServer server(any_port(), echo, {.threads = 2});
  std::vector<RawConnection> slow;
  for (int i = 0; i < 20; ++i) {
    slow.emplace_back(server.port());
    slow.back().send(i % 2 == 0 ? "GET /slow HTT"
                                : "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nab");
  }
  for (int i = 0; i < 10; ++i) EXPECT_EQ(get(server, "/fast").body, "GET /fast\n");
  slow.front().send("P/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(slow.front().read_to_end(), EndsWith("GET /slow\n"));
}

TEST(HttpServer, ClosesAConnectionOnWhichNothingMoves) {
  const HttpServer server(any_port(), echo, {.idle = seconds(1)});
  RawConnection connection(server.port());
  connection.send("GET /slow HTT");
  EXPECT_THAT(connection.read_to_end(), Not(HasSubstr("200 OK")));
}

TEST(HttpServer, AnswersManyParallelRequestsEachWithItsOwn) {
  const HttpServer server(any_port(), echo);
  std::atomic<int> right = 0;
  {
    std::vector<std::jthread> clients;
    for (int client = 0; client < 16; ++client) {
      clients.emplace_back([&, client] {
        for (int i = 0; i < 25; ++i) {
          const auto path = "/" + std::to_string(client) + "/" + std::to_string(i);
          if (get(server, path).body == "GET " + path + "\n") ++right;
        }
      });
    }
  }
  EXPECT_EQ(right, 16 * 25);
}

TEST(HttpServer, ClosesConnectionsBeyondTheLimitOfOneClient) {
  const HttpServer server(any_port(), echo, {.connections_a_client = 2});
  RawConnection first(server.port());
  RawConnection second(server.port());
  // Both have answered, so both are counted.
  for (auto* connection : {&first, &second}) {
    connection->send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(connection->read_until("GET /\n"), EndsWith("GET /\n"));
  }
  EXPECT_EQ(exchange_with(server, line("GET / HTTP/1.1")), "");
}

TEST(HttpServer, WaitsForARunningHandlerWhenItStops) {
  std::binary_semaphore entered{0};
  std::binary_semaphore leave{0};
  std::atomic<bool> finished = false;
  auto server = std::make_unique<HttpServer>(any_port(), [&](const HttpRequest&) {
    entered.release();
    leave.acquire();
    finished = true;
    return HttpResponse{};
  });
  RawConnection connection(server->port());
  connection.send(line("GET / HTTP/1.1"));
  entered.acquire();
  leave.release();
  server.reset();
  EXPECT_TRUE(finished);
}

TEST(HttpServer, FreesItsPortWhenItStops) {
  std::string address;
  {
    const HttpServer server(any_port(), echo);
    address = server.address();
    get(server, "/");
  }
  EXPECT_EQ(ListenSocket::tcp(address, "http.listen").address(), address);
}

TEST(HttpServer, ServesAUnixSocketAndRemovesItsFile) {
  const TemporaryDirectory folder;
  const auto path = folder / "control.sock";
  {
    const HttpServer server(ListenSocket::unix_path(path, "http.socket"), echo);
    EXPECT_EQ(server.address(), path.string());
    EXPECT_EQ(http_call({.url = "http://refsyncd/x", .unix_socket = path}).body, "GET /x\n");
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace refsyncd
