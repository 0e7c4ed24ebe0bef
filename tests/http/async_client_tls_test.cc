#include <gmock/gmock.h>

#include <atomic>
#include <set>

#include "http/async_client_fixture.h"
#include "http/fault_server.h"
#include "support/manual_clock.h"
#include "support/temporary_directory.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// One certificate for all tests: making it takes a while.
const ServerCertificate& certificate() {
  static const TemporaryDirectory folder;
  static const ServerCertificate made(folder.path().string());
  return made;
}

void echo(Peer& peer) {
  while (const auto request = peer.read_request()) peer.answer("200 OK", *request);
}

/// One frame of HTTP/2 (RFC 9113, section 4.1).
struct Frame {
  enum Type : unsigned char { data = 0, headers = 1, settings = 4 };
  enum Flag : unsigned char { end_stream = 1, acknowledged = 1, end_headers = 4 };

  unsigned char type = 0;
  unsigned char flags = 0;
  uint32_t stream = 0;
  std::string payload = {};

  std::string bytes() const {
    std::string all;
    for (const auto shift : {16U, 8U, 0U}) all += static_cast<char>(payload.size() >> shift);
    all += static_cast<char>(type);
    all += static_cast<char>(flags);
    for (const auto shift : {24U, 16U, 8U, 0U}) all += static_cast<char>(stream >> shift);
    return all + payload;
  }
};

uint32_t number(std::string_view bytes) {
  uint32_t value = 0;
  for (const unsigned char byte : bytes) value = value << 8U | byte;
  return value;
}

std::optional<Frame> read_frame(Peer& peer) {
  const auto head = peer.read(9);
  if (!head) return std::nullopt;
  auto payload = peer.read(number(head->substr(0, 3)));
  if (!payload) return std::nullopt;
  return Frame{static_cast<unsigned char>((*head)[3]), static_cast<unsigned char>((*head)[4]),
               number(head->substr(5)), std::move(*payload)};
}

void answer_stream(Peer& peer, uint32_t stream) {
  peer.send(Frame{Frame::headers, Frame::end_headers, stream, "\x88"}.bytes() +  // ":status: 200"
            Frame{Frame::data, Frame::end_stream, stream, "{}"}.bytes());
}

/// Speaks HTTP/2 on the connection and calls `on_request` with the number of each request's stream.
template <class OnRequest>
void serve_http2(Peer& peer, OnRequest on_request) {
  if (!peer.read(24)) return;  // the client's preface
  peer.send(Frame{.type = Frame::settings}.bytes());
  while (const auto frame = read_frame(peer)) {
    if (frame->type == Frame::settings && (frame->flags & Frame::acknowledged) == 0) {
      peer.send(Frame{.type = Frame::settings, .flags = Frame::acknowledged}.bytes());
    }
    if (frame->type == Frame::headers) on_request(frame->stream);
  }
}

TEST_F(AsyncHttpClient, trusts_the_authority_it_is_told_to_trust) {
  const FaultServer server(echo, certificate());
  EXPECT_EQ(ask({.url = server.url()}, {.ca_file = certificate().authority}).answer.value().status, 200);
}

TEST_F(AsyncHttpClient, trusts_nobody_else) {
  std::atomic<int> requests = 0;
  const FaultServer server([&](Peer& peer) { requests += peer.read_request() ? 1 : 0; }, certificate());
  const auto stranger = ask({.method = "POST", .url = server.url()}).trouble.value();
  EXPECT_EQ(stranger.failure.kind, ErrorKind::untrusted);
  EXPECT_FALSE(stranger.maybe_acted);
  EXPECT_THAT(stranger.failure.message, HasSubstr("certificate"));
  const auto port = server.address().substr(server.address().rfind(':'));
  const auto other_name = ask({.url = "https://localhost" + port}, {.ca_file = certificate().authority});
  EXPECT_EQ(other_name.trouble.value().failure.kind, ErrorKind::untrusted);
  EXPECT_EQ(requests, 0);
}

TEST_F(AsyncHttpClient, finds_the_authorities_where_the_usual_variables_say) {
  const FaultServer server(echo, certificate());
  for (const auto* name : {"CURL_CA_BUNDLE", "SSL_CERT_FILE"}) {
    ::setenv(name, certificate().authority.c_str(), 1);
    const auto told = ask({.url = server.url()});
    ::unsetenv(name);
    EXPECT_TRUE(told.answer) << name;
  }
}

TEST_F(AsyncHttpClient, says_that_the_file_of_authorities_cannot_be_used) {
  const FaultServer server(echo, certificate());
  const auto trouble = ask({.url = server.url()}, {.ca_file = "/nonexistent.pem"}).trouble.value();
  EXPECT_EQ(trouble.failure.kind, ErrorKind::bad_config);
  EXPECT_THAT(trouble.failure.message, HasSubstr("/nonexistent.pem"));
}

TEST_F(AsyncHttpClient, does_not_talk_http_to_tls) {
  const FaultServer server(echo, certificate());
  EXPECT_EQ(ask({.url = "http://" + server.address()}).trouble.value().failure.kind, ErrorKind::transient);
}

TEST_F(AsyncHttpClient, shares_one_connection_where_the_server_can) {
  constexpr size_t streams = 8;
  std::atomic<size_t> requests = 0;
  std::atomic<size_t> most = 0;
  const FaultServer server(
      [&](Peer& peer) {
        std::set<uint32_t>
            open;  // answered when as many are open as may be, after the first, which comes alone
        serve_http2(peer, [&](uint32_t stream) {
          open.insert(stream);
          most = std::max(most.load(), open.size());
          if (++requests != 1 && open.size() < streams) return;
          for (const auto one : open) answer_stream(peer, one);
          open.clear();
        });
      },
      certificate(), "h2");
  HttpClient client(loop, system_clock, {.streams = streams, .ca_file = certificate().authority});
  std::vector<Told> told(1 + 5 * streams);
  for (auto& one : told) client.send({.url = server.url()}, one.listener());
  turn_to_the_end(client);
  for (const auto& one : told) EXPECT_EQ(one.answer.value().body, "{}");
  EXPECT_EQ(requests, told.size());
  EXPECT_EQ(most, streams);
  EXPECT_EQ(server.connections(), 1U);
}

TEST_F(AsyncHttpClient, takes_up_a_tls_session_in_the_next_connection) {
  std::atomic<int> resumed = 0;
  const FaultServer server(
      [&](Peer& peer) {
        resumed += peer.resumed() ? 1 : 0;
        if (peer.read_request()) peer.answer("200 OK\r\nConnection: close");
      },
      certificate());
  HttpClient client(loop, system_clock, {.connections = 2, .ca_file = certificate().authority});
  for (const size_t at_once : {1U, 2U}) {
    std::vector<Told> told(at_once);
    for (auto& one : told) client.send({.url = server.url()}, one.listener());
    turn_to_the_end(client);
    for (const auto& one : told) EXPECT_TRUE(one.answer);
  }
  EXPECT_EQ(server.connections(), 3U);
  EXPECT_GE(resumed, 1) << "of two made at once the second may find the session in use";
}

TEST_F(AsyncHttpClient, shares_no_connection_where_it_must_not) {
  const FaultServer server(echo, certificate(), "h2");
  const auto told = ask({.url = server.url()}, {.multiplex = false, .ca_file = certificate().authority});
  EXPECT_FALSE(told.answer.value().multiplexed);
  EXPECT_THAT(told.answer.value().body, HasSubstr(" HTTP/1.1\r\n"));
}

void answer_with(Peer& peer, uint32_t stream, size_t size) {
  peer.send(Frame{Frame::headers, Frame::end_headers, stream, "\x88"}.bytes());
  Frame piece{.type = Frame::data, .stream = stream, .payload = std::string(16384, 'x')};
  for (size_t sent = 0; sent < size; sent += piece.payload.size()) {
    if (sent + piece.payload.size() >= size) piece.flags = Frame::end_stream;
    peer.send(piece.bytes());
  }
}

TEST_F(AsyncHttpClient, loses_nothing_of_a_paused_answer_on_a_shared_connection) {
  constexpr size_t size = 4 << 20;  // less than the window that libcurl grants
  const FaultServer server(
      [&](Peer& peer) { serve_http2(peer, [&](uint32_t stream) { answer_with(peer, stream, size); }); },
      certificate(), "h2");
  HttpClient client(loop, system_clock, {.streams = 2, .ca_file = certificate().authority});
  std::vector<Told> told(3);
  std::vector<size_t> taken(3);
  HttpClient::RequestId id{};
  bool paused = false;
  for (size_t i = 0; i < told.size(); ++i) {
    id = client.send({.url = server.url(),
                      .on_body =
                          [&, i](std::string_view bytes) {
                            taken[i] += bytes.size();
                            const bool pause = i == 2 && !paused;
                            paused = paused || pause;
                            return pause ? Take::pause : Take::more;
                          }},
                     told[i].listener());
  }
  turn_until(client, [&] { return paused; });
  const auto before = taken[2];
  int rounds = 0;
  turn_until(client, [&] { return ++rounds == 20; });
  EXPECT_EQ(taken[2], before);
  client.resume(id);
  turn_to_the_end(client);
  for (const auto& one : told) EXPECT_TRUE(one.answer);
  EXPECT_EQ(taken, (std::vector<size_t>(3, size)));
}

TEST_F(AsyncHttpClient, leaves_a_shared_connection_that_seems_dead) {
  std::atomic<size_t> requests = 0;
  const FaultServer server(
      [&](Peer& peer) {
        bool first = true;  // of this connection: the only one that is answered
        serve_http2(peer, [&](uint32_t stream) {
          if (std::exchange(first, false)) answer_stream(peer, stream);
          ++requests;
        });
      },
      certificate(), "h2");
  ManualClock clock;
  HttpClient client(loop, clock, {.streams = 2, .ca_file = certificate().authority});
  std::vector<Told> told(4);
  for (auto& one : told) client.send({.url = server.url()}, one.listener());
  turn_until(client, [&] { return requests == 3; });
  EXPECT_EQ(told[0].calls, 1);
  clock.advance(20s);
  turn_until(client, [&] { return told[3].calls == 1; });
  EXPECT_TRUE(told[1].trouble);
  EXPECT_TRUE(told[2].trouble);
  EXPECT_TRUE(told[3].answer);
  EXPECT_EQ(server.connections(), 2U);
}

}  // namespace
}  // namespace refsyncd
