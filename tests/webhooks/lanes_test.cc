#include "webhooks/lanes.h"

#include <gtest/gtest.h>

namespace refsyncd {
namespace {

using namespace std::chrono_literals;

PendingDelivery delivery(const std::string& id, const std::string& target = "t",
                         const std::string& repo = "r") {
  return {.id = id, .target_id = target, .repo_id = repo};
}

/// The id of what goes next; "" for nothing.
std::string take(Lanes& lanes) {
  const auto next = lanes.take();
  return next ? next->delivery_id : "";
}

const LaneKey lane{.target_id = "t", .repo_id = "r"};

TEST(A_lane, sends_one_after_another) {
  Lanes lanes({});
  lanes.add(delivery("a"));
  lanes.add(delivery("b"));
  EXPECT_EQ(take(lanes), "a");
  EXPECT_EQ(take(lanes), "") << "b waits for a";
  lanes.finish(lane);
  EXPECT_EQ(take(lanes), "b");
  lanes.finish(lane);
  EXPECT_EQ(take(lanes), "");
  EXPECT_EQ(lanes.size(), 0u);
}

TEST(A_lane, that_is_held_lets_nothing_pass) {
  Lanes lanes({});
  lanes.add(delivery("a"));
  take(lanes);
  lanes.hold(lane, SteadyTime(10s));
  lanes.add(delivery("b"));
  EXPECT_EQ(lanes.next_wake(), SteadyTime(10s));
  lanes.wake(SteadyTime(10s - 1ms));
  EXPECT_EQ(take(lanes), "");
  lanes.wake(SteadyTime(10s));
  EXPECT_EQ(take(lanes), "a");
  EXPECT_EQ(lanes.next_wake(), SteadyTime::max());
  lanes.finish(lane);
  EXPECT_EQ(take(lanes), "b");
}

TEST(A_lane, that_is_held_may_be_hurried) {
  Lanes lanes({});
  lanes.add(delivery("a"));
  take(lanes);
  lanes.hold(lane, SteadyTime(10h));
  lanes.hurry("other");
  EXPECT_EQ(take(lanes), "");
  lanes.hurry("t");
  EXPECT_EQ(take(lanes), "a");
}

TEST(A_lane, that_was_empty_goes_again) {
  Lanes lanes({});
  lanes.add(delivery("a"));
  take(lanes);
  lanes.finish(lane);
  lanes.add(delivery("b"));
  EXPECT_EQ(take(lanes), "b");
}

TEST(Lanes_, of_other_repositories_and_targets_go_side_by_side) {
  Lanes lanes({});
  lanes.add(delivery("a"));
  lanes.add(delivery("b", "t", "r2"));
  lanes.add(delivery("c", "u"));
  EXPECT_EQ(take(lanes), "a");
  EXPECT_EQ(take(lanes), "c") << "targets take turns";
  EXPECT_EQ(take(lanes), "b");
  EXPECT_EQ(lanes.busy(), 3u);
}

TEST(Lanes_, are_bounded_for_a_target_and_in_all) {
  Lanes lanes({.in_all = 3, .a_target = 2});
  for (const auto* target : {"t", "u"}) {
    for (const auto* repo : {"1", "2", "3"}) lanes.add(delivery(std::string(target) + repo, target, repo));
  }
  EXPECT_EQ(take(lanes), "t1");
  EXPECT_EQ(take(lanes), "u1");
  EXPECT_EQ(take(lanes), "t2");
  EXPECT_EQ(take(lanes), "") << "three in all";
  lanes.finish({"u", "1"});
  EXPECT_EQ(take(lanes), "u2") << "two for t are enough";
  lanes.finish({"u", "2"});
  EXPECT_EQ(take(lanes), "u3");
}

TEST(Lanes_, that_too_many_wait_in_shed_the_oldest) {
  Lanes lanes({.waiting = 2});
  lanes.add(delivery("a", "t", "r1"));
  lanes.add(delivery("b", "t", "r2"));
  lanes.add(delivery("elsewhere", "u"));
  EXPECT_FALSE(lanes.shed("t"));
  lanes.add(delivery("c", "t", "r1"));
  EXPECT_EQ(lanes.shed("t"), "a");
  EXPECT_FALSE(lanes.shed("t"));
  EXPECT_EQ(lanes.size(), 3u);
  lanes.add(delivery("d", "t", "r1"));
  EXPECT_EQ(lanes.shed("t"), "b");
  EXPECT_EQ(take(lanes), "c");
  EXPECT_EQ(take(lanes), "elsewhere");
  lanes.finish({"t", "r1"});
  EXPECT_EQ(take(lanes), "d");
  lanes.finish({"t", "r1"});
  EXPECT_EQ(lanes.size(), 1u);
}

TEST(Lanes_, never_shed_what_is_under_way) {
  Lanes lanes({.waiting = 2});
  for (const auto* id : {"a", "b", "c", "d"}) lanes.add(delivery(id));
  EXPECT_EQ(take(lanes), "a");
  EXPECT_EQ(lanes.shed("t"), "b");
  EXPECT_EQ(lanes.shed("t"), "c");
  lanes.finish(lane);
  EXPECT_EQ(take(lanes), "d");
}

TEST(Lanes_, that_are_held_stay_so_when_they_shed_and_vanish_when_nothing_is_left) {
  Lanes lanes({.waiting = 2});
  lanes.add(delivery("a"));
  lanes.add(delivery("b"));
  take(lanes);
  lanes.hold(lane, SteadyTime(10s));
  lanes.add(delivery("c", "t", "other"));
  EXPECT_EQ(lanes.shed("t"), "a");
  EXPECT_EQ(lanes.next_wake(), SteadyTime(10s));
  EXPECT_EQ(take(lanes), "c");
  lanes.add(delivery("d", "t", "third"));
  EXPECT_EQ(lanes.shed("t"), "b");
  EXPECT_EQ(lanes.next_wake(), SteadyTime::max());
  lanes.add(delivery("e"));
  lanes.finish({"t", "other"});
  EXPECT_EQ(take(lanes), "d");
  EXPECT_EQ(take(lanes), "e") << "a new lane";
}

TEST(Lanes_, forget_a_removed_target_and_free_its_places) {
  Lanes lanes({.in_all = 2, .a_target = 2});
  lanes.add(delivery("a"));
  lanes.add(delivery("b"));
  lanes.add(delivery("c", "t", "held"));
  lanes.add(delivery("d", "u"));
  take(lanes);
  take(lanes);
  lanes.finish({"u", "r"});
  EXPECT_EQ(take(lanes), "c");
  lanes.hold({"t", "held"}, SteadyTime(1s));
  lanes.remove_target("t");
  EXPECT_EQ(lanes.size(), 0u);
  EXPECT_EQ(lanes.next_wake(), SteadyTime::max());
  EXPECT_EQ(take(lanes), "");
  EXPECT_EQ(lanes.busy(), 1u) << "a is still under way";
  lanes.finish(lane);
  EXPECT_EQ(lanes.busy(), 0u);
}

TEST(Lanes_, of_a_removed_target_may_end_with_a_failure) {
  Lanes lanes({});
  lanes.add(delivery("a"));
  take(lanes);
  lanes.remove_target("t");
  lanes.hold(lane, SteadyTime(1s));
  EXPECT_EQ(lanes.busy(), 0u);
  EXPECT_EQ(lanes.next_wake(), SteadyTime::max());
}

}  // namespace
}  // namespace refsyncd
