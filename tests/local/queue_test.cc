#include "local/queue.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace refsyncd {
namespace {

Queue::Item item(const std::string& id, const std::string& repo, const std::string& host,
                 Priority priority = Priority::scheduled) {
  return {.id = id, .repo = repo, .host = host, .priority = priority};
}

std::string take_all(Queue& queue) {
  std::string order;
  while (const auto id = queue.take()) order += (order.empty() ? "" : " ") + *id;
  return order;
}

TEST(The_queue, serves_first_come_first_served) {
  Queue queue(10, 10);
  for (const char* name : {"b", "a", "c"}) queue.add(item(name, name, "h"));
  EXPECT_EQ(take_all(queue), "b a c");
}

TEST(The_queue, serves_manual_requests_before_retries_before_scheduled_ones) {
  Queue queue(10, 10);
  queue.add(item("scheduled", "r1", "h"));
  queue.add(item("retry", "r2", "h", Priority::retry));
  queue.add(item("manual", "r3", "h", Priority::manual));
  EXPECT_EQ(take_all(queue), "manual retry scheduled");
}

TEST(The_queue, raises_a_waiting_sync_but_never_lowers_it) {
  Queue queue(10, 10);
  queue.add(item("a", "r1", "h"));
  queue.add(item("b", "r2", "h", Priority::retry));
  queue.raise("a", Priority::manual);
  queue.raise("a", Priority::scheduled);
  EXPECT_EQ(take_all(queue), "a b");
}

TEST(The_queue, runs_one_sync_a_repository_and_says_so) {
  Queue queue(10, 10);
  queue.add(item("pull", "app", "h"));
  queue.add(item("push", "app", "h"));
  queue.add(item("other", "lib", "h"));
  EXPECT_EQ(take_all(queue), "pull other");
  EXPECT_EQ(queue.waiting_for("push"), "another sync of app");
  EXPECT_EQ(queue.waiting(), 1u);
  queue.finish("pull");
  EXPECT_EQ(take_all(queue), "push");
}

TEST(The_queue, keeps_the_syncs_of_a_held_repository_waiting) {
  Queue queue(10, 10);
  queue.add(item("early", "app", "h"));
  ASSERT_TRUE(queue.hold("app"));
  EXPECT_FALSE(queue.hold("app"));
  queue.add(item("late", "app", "h"));
  queue.add(item("other", "lib", "h"));
  EXPECT_EQ(take_all(queue), "other");
  EXPECT_EQ(queue.waiting_for("early"), "maintenance of app");
  EXPECT_FALSE(queue.is_busy("app"));
  EXPECT_TRUE(queue.remove("late"));
  EXPECT_EQ(take_all(queue), "") << "still held";
  queue.release("app");
  EXPECT_EQ(take_all(queue), "early");
  queue.release("app");
  EXPECT_FALSE(queue.hold("app")) << "a sync runs";
}

TEST(The_queue, limits_each_host_without_holding_up_others) {
  Queue queue(10, 2);
  for (int i = 0; i < 4; ++i)
    queue.add(item("a" + std::to_string(i), "a" + std::to_string(i), "busy.example"));
  queue.add(item("b", "b", "quiet.example"));
  EXPECT_EQ(take_all(queue), "a0 a1 b");
  EXPECT_EQ(queue.waiting_for("a2"), "a free slot on busy.example");
  queue.finish("a1");
  EXPECT_EQ(take_all(queue), "a2");
}

TEST(The_queue, has_no_host_limit_for_upstreams_on_this_machine) {
  Queue queue(10, 1);
  for (const char* name : {"a", "b", "c"}) queue.add(item(name, name, ""));
  EXPECT_EQ(take_all(queue), "a b c");
}

TEST(The_queue, limits_the_whole_and_follows_a_changed_limit) {
  Queue queue(1, 10);
  for (const char* name : {"a", "b", "c"}) queue.add(item(name, name, "h"));
  EXPECT_EQ(take_all(queue), "a");
  EXPECT_EQ(queue.waiting_for("b"), "a free slot");
  queue.set_limits(3, 10);
  EXPECT_EQ(take_all(queue), "b c");
}

TEST(The_queue, gives_the_place_of_a_sync_that_waits_for_others_to_the_next) {
  Queue queue(1, 1);
  for (const char* name : {"a", "b", "c"})
    queue.add(item(name, name, name == std::string("b") ? "h" : "other"));
  EXPECT_EQ(take_all(queue), "a");
  queue.lend("a");
  queue.lend("a");
  queue.lend("c");
  EXPECT_EQ(queue.lent(), 1u);
  EXPECT_EQ(take_all(queue), "b");
  EXPECT_EQ(queue.waiting_for("c"), "a free slot on other") << "a still counts against its host";
  queue.reclaim("a");
  queue.finish("a");
  EXPECT_EQ(take_all(queue), "") << "b has the one place";
  queue.lend("b");
  queue.finish("b");
  EXPECT_EQ(queue.lent(), 0u);
  EXPECT_EQ(take_all(queue), "c");
}

TEST(The_queue, takes_out_waiting_syncs_only) {
  Queue queue(1, 10);
  queue.add(item("a", "a", "h"));
  queue.add(item("b", "b", "h"));
  EXPECT_EQ(take_all(queue), "a");
  EXPECT_FALSE(queue.remove("a"));
  EXPECT_FALSE(queue.remove("nobody"));
  EXPECT_TRUE(queue.remove("b"));
  queue.finish("a");
  EXPECT_FALSE(queue.take());
  EXPECT_EQ(queue.waiting() + queue.running(), 0u);
}

TEST(Whatever_happens, the_queue_keeps_its_limits_and_loses_nothing) {
  std::mt19937 dice(11);
  Queue queue(5, 2);
  std::map<std::string, Queue::Item> running;
  std::set<std::string> waiting;
  size_t added = 0;
  size_t finished = 0;
  for (int round = 0; round < 20'000; ++round) {
    const auto roll = dice() % 10;
    if (roll < 4) {
      const auto repo = "r" + std::to_string(dice() % 12);
      const auto id = std::to_string(added++);
      waiting.insert(id);
      queue.add(item(id, repo, "h" + std::to_string(std::hash<std::string>{}(repo) % 4),
                     static_cast<Priority>(dice() % 3)));
    } else if (roll < 7) {
      if (const auto id = queue.take()) {
        ASSERT_TRUE(waiting.erase(*id)) << "a sync that was not waiting was started";
        running[*id] = {};
      }
    } else if (!running.empty()) {
      queue.finish(running.begin()->first);
      running.erase(running.begin());
      ++finished;
    }
    ASSERT_LE(queue.running(), 5u);
    ASSERT_EQ(queue.running(), running.size());
    ASSERT_EQ(queue.waiting(), waiting.size());
  }
  while (!running.empty() || !waiting.empty()) {
    while (const auto id = queue.take()) {
      waiting.erase(*id);
      running[*id] = {};
    }
    ASSERT_FALSE(running.empty()) << "syncs wait for ever";
    queue.finish(running.begin()->first);
    running.erase(running.begin());
    ++finished;
  }
  EXPECT_EQ(finished, added);
}

}  // namespace
}  // namespace refsyncd
