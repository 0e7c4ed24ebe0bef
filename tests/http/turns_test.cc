#include "http/turns.h"

#include <gtest/gtest.h>

#include <vector>

namespace refsyncd {
namespace {

/// All that may start now, in their order.
std::vector<uint64_t> take_all(Turns& turns) {
  std::vector<uint64_t> taken;
  while (const auto next = turns.take()) taken.push_back(*next);
  EXPECT_TRUE(turns.stuck());
  return taken;
}

using Serials = std::vector<uint64_t>;

TEST(Turns, lets_nobody_start_where_nobody_waits) {
  Turns turns({.connections = 1, .connections_in_all = 1, .streams = 1});
  EXPECT_TRUE(turns.stuck());
  EXPECT_EQ(turns.take(), std::nullopt);
}

TEST(Turns, go_by_age_among_hosts_that_may_start) {
  Turns turns({.connections = 1, .connections_in_all = 2, .streams = 1});
  auto& a = turns.wait("a", 1);
  turns.wait("a", 2);
  auto& b = turns.wait("b", 3);
  turns.wait("c", 4);
  EXPECT_FALSE(turns.stuck());
  EXPECT_EQ(take_all(turns), (Serials{1, 3})) << "a has no second connection, and all hosts have two";
  turns.end(b);
  EXPECT_EQ(take_all(turns), (Serials{4})) << "2 is older, but a is busy";
  turns.end(a);
  EXPECT_EQ(take_all(turns), (Serials{2}));
}

TEST(Turns, use_the_streams_of_shared_connections) {
  Turns turns({.connections = 2, .connections_in_all = 2, .streams = 3});
  auto& host = turns.wait("a", 1);
  for (uint64_t serial = 2; serial <= 10; ++serial) turns.wait("a", serial);
  EXPECT_EQ(take_all(turns), (Serials{1, 2}));
  turns.know_shared(host, true);
  EXPECT_EQ(take_all(turns), (Serials{3, 4, 5, 6}));
  turns.know_shared(host, false);
  turns.end(host);
  EXPECT_EQ(take_all(turns), (Serials{})) << "five run over what are two connections now";
  for (int i = 0; i < 4; ++i) turns.end(host);
  EXPECT_EQ(take_all(turns), (Serials{7}));
}

TEST(Turns, start_over_a_shared_connection_although_no_other_may_be_made) {
  Turns turns({.connections = 1, .connections_in_all = 1, .streams = 2});
  auto& shared = turns.wait("a", 1);
  EXPECT_EQ(take_all(turns), (Serials{1}));
  turns.know_shared(shared, true);
  turns.wait("b", 2);
  turns.wait("a", 3);
  EXPECT_EQ(take_all(turns), (Serials{3}));
  turns.end(shared);
  EXPECT_EQ(take_all(turns), (Serials{})) << "a still uses the one connection";
  turns.end(shared);
  EXPECT_EQ(take_all(turns), (Serials{2}));
}

TEST(Turns, know_a_host_that_shares_when_it_is_asked_again) {
  Turns turns({.connections = 1, .connections_in_all = 1, .streams = 2});
  auto& host = turns.wait("a", 1);
  take_all(turns);
  turns.know_shared(host, true);
  turns.end(host);
  turns.wait("a", 2);
  turns.wait("a", 3);
  turns.wait("a", 4);
  EXPECT_EQ(take_all(turns), (Serials{2, 3}));
}

TEST(Turns, end_what_runs_over_a_suspect_connection_before_others_start) {
  Turns turns({.connections = 1, .connections_in_all = 9, .streams = 3});
  auto& host = turns.wait("a", 1);
  EXPECT_FALSE(turns.suspect(host)) << "it is not shared";
  turns.know_shared(host, true);
  turns.wait("a", 2);
  EXPECT_EQ(take_all(turns), (Serials{1, 2}));
  turns.wait("a", 3);
  EXPECT_TRUE(turns.suspect(host));
  EXPECT_FALSE(turns.suspect(host));
  turns.wait("b", 4);
  EXPECT_EQ(take_all(turns), (Serials{4}));
  turns.end(host);
  EXPECT_TRUE(turns.stuck());
  turns.end(host);
  EXPECT_EQ(take_all(turns), (Serials{3}));
}

TEST(Turns, forget_who_leaves) {
  Turns turns({.connections = 1, .connections_in_all = 1, .streams = 1});
  auto& a = turns.wait("a", 1);
  turns.wait("a", 2);
  auto& b = turns.wait("b", 3);
  turns.leave(a, 1);
  turns.leave(b, 3);
  EXPECT_EQ(take_all(turns), (Serials{2}));
  turns.wait("a", 4);
  turns.wait("b", 5);
  turns.leave(a, 4);
  turns.end(a);
  EXPECT_EQ(take_all(turns), (Serials{5}));
}

/// What Turns replaces: a look at all hosts. The two must agree on any history.
TEST(Turns, agree_with_a_look_at_all_hosts) {
  struct Host {
    std::set<uint64_t> waiting;
    size_t running = 0;
    bool shared = false;
    Turns::Host* known = nullptr;
  };
  const Turns::Limits limits{.connections = 2, .connections_in_all = 7, .streams = 3};
  Turns turns(limits);
  std::vector<Host> hosts(9);
  uint32_t dice = 1;
  const auto roll = [&](uint32_t sides) { return (dice = dice * 1664525 + 1013904223) / 65536 % sides; };
  const auto oldest = [&]() -> Host* {
    size_t used = 0;
    for (const auto& host : hosts) used += std::min(host.running, limits.connections);
    Host* found = nullptr;
    for (auto& host : hosts) {
      const auto capacity = limits.connections * (host.shared ? limits.streams : 1);
      const bool connects = host.running < limits.connections;
      if (host.waiting.empty() || host.running >= capacity) continue;
      if (connects && used >= limits.connections_in_all) continue;
      if (found == nullptr || *host.waiting.begin() < *found->waiting.begin()) found = &host;
    }
    return found;
  };
  uint64_t serial = 0;
  size_t started = 0;
  for (int step = 0; step < 20'000; ++step) {
    const auto which = roll(9);
    auto& host = hosts[which];
    const auto action = roll(8);
    if (action < 4) {
      host.waiting.insert(++serial);
      host.known = &turns.wait(std::to_string(which), serial);
    } else if (action == 4 && !host.waiting.empty()) {
      const auto leaving = *host.waiting.rbegin();
      host.waiting.erase(leaving);
      turns.leave(*host.known, leaving);
    } else if (host.running > 0) {
      host.shared = roll(2) == 0;
      turns.know_shared(*host.known, host.shared);
      --host.running;
      turns.end(*host.known);
    }
    while (auto* next = oldest()) {
      ASSERT_EQ(turns.take(), *next->waiting.begin()) << step;
      next->waiting.erase(next->waiting.begin());
      ++next->running;
      ++started;
    }
    ASSERT_EQ(turns.take(), std::nullopt) << step;
  }
  EXPECT_GT(started, 1000U);
}

}  // namespace
}  // namespace refsyncd
