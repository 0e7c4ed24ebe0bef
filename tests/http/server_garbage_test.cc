#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "http/client.h"
#include "http/raw_connection.h"
#include "http/server.h"

namespace refsyncd {
namespace {

/// What no HTTP client sends: the server refuses most of it without asking the handler.
const std::vector<std::string>& garbage() {
  static const std::vector<std::string> all = {
      std::string(100, '\0'),
      std::string("\x16\x03\x01\x02\x00\x01\x00", 7),
      "GET\r\n\r\n",
      "GET / HTTP/9.9\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
      "GET /" + std::string(40'000, 'x') + " HTTP/1.1\r\nHost: x\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nno colon\r\n\r\n"};
  return all;
}

HttpResponse fine(const HttpRequest&) { return {.body = "fine"}; }
ListenSocket any_port() { return ListenSocket::tcp("127.0.0.1:0", "http.listen"); }
TEST(HttpServer, SurvivesGarbage) {
  const HttpServer server(any_port(), fine);
  for (const auto& bytes : garbage()) {
    RawConnection connection(server.port());
    connection.send(bytes);
  }
  EXPECT_EQ(http_call({.url = "http://" + server.address()}).status, 200);
}

TEST(HttpServer, SurvivesGarbageFromSeveralClientsWhileItStops) {
  constexpr size_t clients = 4;
  for (size_t round = 0; round < 100; ++round) {
    auto server = std::make_unique<HttpServer>(any_port(), fine);
    std::vector<RawConnection> connections;
    for (int i = 0; i < 32; ++i) connections.emplace_back(server->port());

    std::atomic<int> sent = 0;
    std::vector<std::jthread> vandals;
    for (size_t client = 0; client < clients; ++client) {
      vandals.emplace_back([&, client] {
        for (size_t i = client; i < connections.size(); i += clients) {
          auto connection = std::move(connections[i]);
          connection.send(garbage()[(round + i) % garbage().size()]);
          if (i % 3 == 0) connection.close_abruptly();
          ++sent;
          sent.notify_one();
        }
      });
    }
    sent.wait(0);
    server.reset();
  }
}

}  // namespace
}  // namespace refsyncd
