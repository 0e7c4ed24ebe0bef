#include "http/async_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/server.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;

TEST(AsyncHttpClient, gets) {
  const HttpServer server(ListenSocket::tcp("127.0.0.1:0", "x"),
                          [](const HttpRequest&) { return HttpResponse{.body = "{}"}; });
  Loop loop;
  SystemClock clock;
  HttpClient client(loop, clock, {});
  int got = 0;
  for (int i = 0; i < 200; ++i)
    client.send({.url = "http://" + server.address() + "/x"},
                [&](const HttpAnswer* answer, const HttpTrouble* trouble) {
                  ASSERT_NE(answer, nullptr) << trouble->failure.message;
                  EXPECT_EQ(answer->body, "{}");
                  ++got;
                });
  while (client.pending() > 0) {
    client.tick();
    loop.run_once(std::min(client.next_wake(), clock.steady() + 1s));
  }
  EXPECT_EQ(got, 200);
  EXPECT_EQ(client.connections_made(), 1u);
}

}  // namespace
}  // namespace refsyncd
