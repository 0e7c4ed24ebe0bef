#include <gmock/gmock.h>

#include <atomic>
#include <semaphore>
#include <utility>

#include "http/async_client_fixture.h"
#include "http/fault_server.h"
#include "support/manual_clock.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// Answers that are handed over piece by piece.
class AsyncHttpClientStreaming : public AsyncHttpClient {
 protected:
  /// A request whose answer's pieces are put together in `taken`.
  HttpSend streamed(const std::string& url) {
    return {.url = url, .on_body = [this](std::string_view bytes) {
              taken += bytes;
              return Take::more;
            }};
  }

  std::string taken;
};

FaultServer::Script saying(std::string answer) {
  return [answer = std::move(answer)](Peer& peer) {
    if (peer.read_request()) peer.send(answer);
  };
}

/// Announces `size` bytes and sends them; `sent` says how many the kernel has taken.
void send_much(Peer& peer, size_t size, std::atomic<size_t>& sent) {
  const std::string piece(1 << 16, 'x');
  bool taken = peer.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n");
  while (taken && sent < size) {
    taken = peer.send(piece);
    sent += piece.size();
  }
}

TEST_F(AsyncHttpClientStreaming, hands_over_a_piece_before_the_next_is_sent) {
  std::binary_semaphore first_taken{0};
  const FaultServer server([&](Peer& peer) {
    if (!peer.read_request()) return;
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst");
    first_taken.acquire();
    peer.send("later");
  });
  HttpClient client(loop, system_clock, {});
  Told told;
  client.send(streamed(server.url()), told.listener());
  turn_until(client, [&] { return taken == "first"; });
  first_taken.release();
  turn_to_the_end(client);
  EXPECT_EQ(taken, "firstlater");
  EXPECT_EQ(told.answer.value().status, 200);
  EXPECT_EQ(told.answer.value().body, "");
}

TEST_F(AsyncHttpClientStreaming, tells_the_head_once_and_first) {
  const FaultServer server(
      saying("HTTP/1.1 103 Early Hints\r\nContent-Type: text/hint\r\n\r\n"
             "HTTP/1.1 201 Made\r\nContent-Type: text/x\r\nTransfer-Encoding: chunked\r\n\r\n"
             "2\r\nab\r\n0\r\nX-Trailer: 1\r\n\r\n"));
  std::string log;
  auto request = streamed(server.url());
  request.on_head = [&](const HttpHead& head) {
    log += std::to_string(head.status) + " " + head.content_type + " before '" + taken + "'; ";
  };
  EXPECT_TRUE(ask(request).answer);
  EXPECT_EQ(log, "201 text/x before ''; ");
  EXPECT_EQ(taken, "ab");
}

TEST_F(AsyncHttpClientStreaming, tells_the_head_of_what_has_no_body_and_of_what_is_gathered) {
  const FaultServer server([](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 204 Nothing\r\n\r\n");
    peer.read_request();
    peer.answer("200 OK", "all");
  });
  std::vector<int> heads;
  HttpClient client(loop, system_clock, {});
  std::vector<Told> told(2);
  for (auto& one : told) {
    const auto remember = [&](const HttpHead& head) { heads.push_back(head.status); };
    client.send({.url = server.url(), .on_head = remember}, one.listener());
  }
  turn_to_the_end(client);
  EXPECT_EQ(heads, (std::vector{204, 200}));
  EXPECT_EQ(told[1].answer.value().body, "all");
}

TEST_F(AsyncHttpClientStreaming, gathers_what_an_error_says) {
  for (const std::string status : {"302", "404", "503"}) {
    const FaultServer server([&](Peer& peer) {
      if (peer.read_request()) peer.answer(status + " No", "remote: not here");
    });
    EXPECT_EQ(ask(streamed(server.url())).answer.value().body, "remote: not here");
  }
  EXPECT_EQ(taken, "");
}

TEST_F(AsyncHttpClientStreaming, reads_the_beginning_of_a_long_error) {
  std::atomic<size_t> sent = 0;
  const FaultServer server([&](Peer& peer) {
    if (!peer.read_request()) return;
    bool more = peer.send("HTTP/1.1 404 No\r\nContent-Length: 1073741824\r\n\r\n");
    for (const std::string piece(1 << 16, 'x'); more && sent < size_t{1 << 30}; sent += piece.size()) {
      more = peer.send(piece);
    }
  });
  const auto answer = ask(streamed(server.url())).answer.value();
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.body, std::string(64 << 10, 'x'));
  EXPECT_LT(sent, size_t{32 << 20}) << "more than the kernel's buffers hold";
}

TEST_F(AsyncHttpClientStreaming, ends_with_what_its_functions_throw) {
  const FaultServer server([](Peer& peer) {
    while (peer.read_request()) peer.answer("200 OK", "text");
  });
  const auto refused = [](const auto&) -> Take { throw Error(ErrorKind::untrusted, "no pack"); };
  auto told = ask({.url = server.url(), .on_body = refused});
  EXPECT_EQ(told.trouble.value().failure, (Failure{ErrorKind::untrusted, "no pack"}));
  EXPECT_TRUE(told.trouble.value().maybe_acted);
  auto request = streamed(server.url());
  request.on_head = refused;
  EXPECT_EQ(ask(request).trouble.value().failure.message, "no pack");
  EXPECT_EQ(taken, "");
  told = ask({.url = server.url(), .on_body = [](std::string_view) -> Take { throw std::bad_alloc(); }});
  EXPECT_EQ(told.trouble.value().failure.kind, ErrorKind::internal);
}

TEST_F(AsyncHttpClientStreaming, limits_what_it_hands_over) {
  const FaultServer server([](Peer& peer) {
    while (peer.read_request()) peer.answer("200 OK", "12345");
  });
  auto request = streamed(server.url());
  request.answer_limit = 5;
  EXPECT_TRUE(ask(request).answer);
  request.answer_limit = 4;
  EXPECT_THAT(ask(request).trouble.value().failure.message, HasSubstr("larger than 4 bytes"));
  EXPECT_EQ(taken, "12345");
}

class AsyncHttpClientPausing : public AsyncHttpClientStreaming {
 protected:
  /// Pauses after the first piece, and then after each as long as `pausing`.
  HttpSend pausing_request(const std::string& url) {
    return {.url = url, .answer_limit = uint64_t{1} << 40, .on_body = [this](std::string_view bytes) {
              ++pieces;
              bytes_taken += bytes.size();
              return pausing ? Take::pause : Take::more;
            }};
  }

  bool pausing = true;
  size_t pieces = 0;
  size_t bytes_taken = 0;
};

TEST_F(AsyncHttpClientPausing, slows_the_server_down_and_goes_on_later) {
  constexpr size_t size = 64 << 20;
  std::atomic<size_t> sent = 0;
  const FaultServer server([&](Peer& peer) {
    if (peer.read_request()) send_much(peer, size, sent);
  });
  ManualClock clock;
  HttpClient client(loop, clock, {});
  Told told;
  const auto id = client.send(pausing_request(server.url()), told.listener());
  turn_until(client, [&] { return pieces == 1; });
  int rounds = 0;
  turn_until(client, [&] { return ++rounds == 30; });
  EXPECT_LT(sent, size / 2);
  EXPECT_EQ(pieces, 1U);
  client.resume(id);
  EXPECT_EQ(pieces, 1U) << "nothing is called from within resume()";
  EXPECT_EQ(client.next_wake(), SteadyTime::min());
  turn_until(client, [&] { return pieces == 2; });
  pausing = false;
  client.resume(id);
  turn_to_the_end(client);
  EXPECT_EQ(told.answer.value().status, 200);
  EXPECT_EQ(bytes_taken, size);
  client.resume(id);
  EXPECT_EQ(client.next_wake(), SteadyTime::max());
}

TEST_F(AsyncHttpClientPausing, counts_no_stall_but_the_whole_time) {
  std::atomic<size_t> sent = 0;
  const FaultServer server([&](Peer& peer) {
    if (peer.read_request()) send_much(peer, 64 << 20, sent);
  });
  ManualClock clock;
  HttpClient client(loop, clock, {});
  Told told;
  auto request = pausing_request(server.url());
  request.timeout = 100s;
  const auto id = client.send(request, told.listener());
  turn_until(client, [&] { return pieces == 1; });
  clock.advance(60s);
  client.tick();
  EXPECT_EQ(told.calls, 0);
  client.resume(id);
  turn_until(client, [&] { return pieces == 2; });
  EXPECT_EQ(told.calls, 0);
  clock.advance(40s - 1ms);
  client.tick();
  EXPECT_EQ(told.calls, 0);
  clock.advance(1ms);
  client.tick();
  EXPECT_THAT(told.trouble.value().failure.message, HasSubstr("no whole answer in 1m40s"));
}

TEST_F(AsyncHttpClientPausing, counts_the_stall_from_going_on) {
  const FaultServer server([&](Peer& peer) {
    if (!peer.read_request()) return;
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{");
    peer.wait_for_close();
  });
  ManualClock clock;
  HttpClient client(loop, clock, {});
  Told told;
  auto request = pausing_request(server.url());
  request.timeout = 1000s;
  const auto id = client.send(request, told.listener());
  turn_until(client, [&] { return pieces == 1; });
  clock.advance(60s);
  client.resume(id);
  client.tick();
  clock.advance(10s - 1ms);
  client.tick();
  EXPECT_EQ(told.calls, 0);
  EXPECT_LE(client.next_wake(), clock.steady() + 1ms);
  clock.advance(1ms);
  client.tick();
  EXPECT_THAT(told.trouble.value().failure.message, HasSubstr("the answer stopped for 10s"));
}

TEST_F(AsyncHttpClientPausing, ends_where_nothing_was_left) {
  const FaultServer server([](Peer& peer) {
    while (peer.read_request()) peer.answer("200 OK", "text");
  });
  EXPECT_TRUE(ask(pausing_request(server.url())).answer);
  EXPECT_EQ(bytes_taken, 4U);
}

/// Requests that are not wanted any more.
class AsyncHttpClientCancelling : public AsyncHttpClientStreaming {
 protected:
  std::atomic<bool> silent = false;
  std::atomic<int> came = 0;
  const FaultServer server{[this](Peer& peer) {
    while (peer.read_request()) {
      ++came;
      if (silent) {
        peer.wait_for_close();
      } else {
        peer.answer("200 OK", "text");
      }
    }
  }};
  HttpClient client{loop, system_clock, {}};
  Told unwanted;
  Told wanted;
};

TEST_F(AsyncHttpClientCancelling, never_sends_what_still_waits) {
  const auto id = client.send({.url = server.url()}, unwanted.listener());
  client.send({.url = server.url()}, wanted.listener());
  client.cancel(id);
  client.cancel(id);
  EXPECT_EQ(client.pending(), 1U);
  turn_to_the_end(client);
  EXPECT_EQ(unwanted.calls, 0);
  EXPECT_TRUE(wanted.answer);
  EXPECT_EQ(came, 1);
}

TEST_F(AsyncHttpClientCancelling, makes_room_for_the_next) {
  silent = true;
  const auto id = client.send({.url = server.url()}, unwanted.listener());
  client.send({.url = server.url()}, wanted.listener());
  turn_until(client, [&] { return came == 1; });
  silent = false;
  client.cancel(id);
  EXPECT_EQ(client.pending(), 1U);
  EXPECT_EQ(client.next_wake(), SteadyTime::min());
  turn_to_the_end(client);
  EXPECT_EQ(unwanted.calls, 0);
  EXPECT_TRUE(wanted.answer);
  EXPECT_EQ(server.connections(), 2U);
}

TEST_F(AsyncHttpClientCancelling, may_happen_from_within_the_own_answer) {
  HttpClient::RequestId id{};
  int pieces = 0;
  id = client.send({.url = server.url(),
                    .on_body =
                        [&](std::string_view) {
                          ++pieces;
                          client.cancel(id);
                          client.cancel(id);
                          EXPECT_EQ(client.pending(), 1U);
                          return Take::more;
                        }},
                   unwanted.listener());
  client.send({.url = server.url()}, wanted.listener());
  turn_to_the_end(client);
  EXPECT_EQ(pieces, 1);
  EXPECT_EQ(unwanted.calls, 0);
  EXPECT_TRUE(wanted.answer);
}

TEST_F(AsyncHttpClientCancelling, may_happen_as_soon_as_the_head_is_seen) {
  HttpClient::RequestId id{};
  auto request = streamed(server.url());
  request.on_head = [&](const HttpHead&) { client.cancel(id); };
  id = client.send(request, unwanted.listener());
  turn_to_the_end(client);
  EXPECT_EQ(unwanted.calls, 0);
  EXPECT_EQ(taken, "");
}

TEST_F(AsyncHttpClientCancelling, may_happen_between_the_end_and_the_word_of_it) {
  HttpClient::RequestId second{};
  client.send({.url = "nonsense"}, [&](const HttpAnswer*, const HttpTrouble*) { client.cancel(second); });
  second = client.send({.url = "nonsense"}, unwanted.listener());
  client.tick();
  EXPECT_EQ(unwanted.calls, 0);
  EXPECT_EQ(client.pending(), 0U);
}

TEST_F(AsyncHttpClientCancelling, works_while_paused) {
  const FaultServer endless([](Peer& peer) {
    std::atomic<size_t> sent = 0;
    if (peer.read_request()) send_much(peer, 1 << 30, sent);
  });
  for (const bool resumed : {false, true}) {
    bool paused = false;
    const auto pause = [&](std::string_view) {
      EXPECT_FALSE(std::exchange(paused, true));
      return Take::pause;
    };
    const auto id = client.send({.url = endless.url(), .on_body = pause}, unwanted.listener());
    turn_until(client, [&] { return paused; });
    if (resumed) client.resume(id);
    client.cancel(id);
    turn_to_the_end(client);
  }
  EXPECT_EQ(unwanted.calls, 0);
}

}  // namespace
}  // namespace refsyncd
