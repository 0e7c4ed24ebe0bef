#pragma once
#include <gtest/gtest.h>

#include <csignal>
#include <stdexcept>

#include "http/async_client.h"

namespace refsyncd {

/// How one request ended: exactly one is set, and `calls` is 1.
struct Told {
  std::optional<HttpAnswer> answer;
  std::optional<HttpTrouble> trouble;
  int calls = 0;

  HttpClient::Done listener() {
    return [this](const HttpAnswer* said, const HttpTrouble* wrong) {
      ++calls;
      if (said != nullptr) answer = *said;
      if (wrong != nullptr) trouble = *wrong;
    };
  }
};

/// A loop, and what a test does with clients on it.
class AsyncHttpClient : public testing::Test {
 protected:
  AsyncHttpClient() { std::signal(SIGPIPE, SIG_IGN); }  // as the program does

  /// Turns the loop until the condition holds.
  template <class Condition>
  void turn_until(HttpClient& client, Condition condition) {
    const auto give_up = system_clock.steady() + std::chrono::seconds(20);
    while (!condition()) {
      if (system_clock.steady() > give_up) throw std::runtime_error("nothing happened for 20 s");
      client.tick();
      if (condition()) return;
      // Scripts of servers change conditions without a word to the loop: hence the short wait.
      loop.run_once(std::min(client.next_wake(), system_clock.steady() + milliseconds(5)));
    }
  }
  void turn_to_the_end(HttpClient& client) {
    turn_until(client, [&] { return client.pending() == 0; });
  }

  /// How the request ends, sent by a client of its own.
  Told ask(HttpSend request, HttpClient::Settings settings = {}) {
    HttpClient client(loop, system_clock, std::move(settings));
    Told told;
    client.send(std::move(request), told.listener());
    turn_to_the_end(client);
    EXPECT_EQ(told.calls, 1);
    EXPECT_NE(told.answer.has_value(), told.trouble.has_value());
    return told;
  }

  SystemClock system_clock;
  Loop loop;
};

}  // namespace refsyncd
