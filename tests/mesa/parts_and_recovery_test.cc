#include "mesa/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service_bench.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using Reply = MesaDouble::Reply;

SyncRequest three_globs() {
  auto request = ServiceBench::pull();
  request.globs = {.branches = {"main", "dev", "release/*"}, .tags = {"v*"}};
  return request;
}

TEST(Several_globs, are_several_syncs_there_and_one_here) {
  ServiceBench bench;
  const auto answered = bench.enqueue(three_globs());
  ASSERT_TRUE(answered.sync);
  EXPECT_EQ(answered.sync->id, "sync_000001+sync_000002+sync_000003");
  EXPECT_EQ(answered.sync->request.globs, three_globs().globs);
  bench.mesa.complete("sync_000001");
  bench.mesa.complete("sync_000002");
  bench.pass(2s);
  EXPECT_EQ(bench.listener.changes.back().status, SyncStatus::in_progress);
  bench.mesa.fail("sync_000003", "no space");
  bench.pass(3s);
  const auto& ended = bench.listener.changes.back();
  EXPECT_EQ(ended.id, answered.sync->id);
  EXPECT_EQ(ended.status, SyncStatus::failed);
  EXPECT_EQ(ended.failure->message, "branches release/*: no space");
  EXPECT_EQ(bench.recorder.syncs.size(), 3u) << "each part is recorded";
  EXPECT_EQ(std::count(bench.observer.events.begin(), bench.observer.events.end(), "queued app"), 3);
}

TEST(Several_globs, of_which_one_is_refused_are_refused_and_what_was_taken_is_used_again) {
  ServiceBench bench;
  bench.service->enqueue(three_globs(), [](const Sync*, const Failure* refused) {
    ASSERT_NE(refused, nullptr);
    EXPECT_EQ(refused->kind, ErrorKind::transient);
  });
  bench.recorder.settle();
  ASSERT_EQ(bench.sent.size(), 1u) << "one at a time over a connection that carries one";
  const auto first = std::exchange(bench.sent, {});
  bench.answer(first[0].first, first[0].second);
  bench.mesa.faults.push_back({"POST", MesaDouble::error(503, "overloaded", "later")});
  bench.settle();
  EXPECT_EQ(bench.mesa.sync_count(), 2u);
  const auto again = bench.enqueue(three_globs());
  EXPECT_EQ(again.sync->id, "sync_000001+sync_000003+sync_000002");
  EXPECT_EQ(bench.mesa.count("POST"), 4u);
}

TEST(A_request_whose_answer_was_lost, is_looked_for_before_it_is_sent_again) {
  for (const auto& fault :
       {Reply{.status = 500}, Reply{.cut = true}, Reply{.status = 200, .body = "<html>"}}) {
    ServiceBench bench;
    bench.mesa.make_sync("app");  // an older one, of somebody else
    bench.clock.advance(10min);
    bench.mesa.faults.push_back({"POST", fault, true});
    EXPECT_EQ(bench.enqueue(ServiceBench::pull()).refused->kind, ErrorKind::transient);
    bench.pass(5s);
    const auto again = bench.enqueue(ServiceBench::pull());
    ASSERT_TRUE(again.sync);
    EXPECT_EQ(again.sync->id, "sync_000002");
    EXPECT_EQ(bench.mesa.count("POST"), 1u);
  }
}

TEST(A_request_whose_answer_was_lost, is_sent_again_when_the_service_did_nothing) {
  ServiceBench bench;
  bench.mesa.faults.push_back({"POST", {.cut = true}});
  bench.enqueue(ServiceBench::pull());
  const auto again = bench.enqueue(ServiceBench::pull());
  EXPECT_TRUE(again.sync);
  EXPECT_EQ(bench.mesa.count("POST"), 2u);
  EXPECT_EQ(bench.mesa.sync_count(), 1u);
}

TEST(A_request_whose_answer_was_lost, never_takes_a_sync_that_is_somebody_elses) {
  ServiceBench bench;
  const auto ours = bench.enqueue(ServiceBench::pull());
  bench.mesa.complete(ours.sync->id);
  bench.pass(2s);
  auto request = ServiceBench::pull();
  request.asked_before = bench.clock.now() - 5s;
  const auto again = bench.enqueue(request);
  EXPECT_EQ(again.sync->id, "sync_000002") << "the first is in the store already";
}

TEST(A_request_whose_answer_was_lost, is_refused_for_now_when_the_store_cannot_tell_whose_a_sync_is) {
  ServiceBench bench;
  bench.mesa.make_sync("app");
  auto request = ServiceBench::pull();
  request.asked_before = bench.clock.now();
  bench.store.unreadable = true;
  const auto answered = bench.enqueue(request);
  ASSERT_TRUE(answered.refused);
  EXPECT_EQ(answered.refused->kind, ErrorKind::transient);
  bench.store.unreadable = false;
  EXPECT_EQ(bench.enqueue(ServiceBench::pull()).sync->id, "sync_000001");
  EXPECT_EQ(bench.mesa.count("POST"), 0u);
}

TEST(A_request_asked_before_a_crash, finds_the_sync_also_when_it_is_over_by_now) {
  ServiceBench bench;
  bench.mesa.now = bench.clock.now() - 90s;  // its clock is behind
  bench.mesa.make_sync("app");
  bench.mesa.complete("sync_000001");
  auto request = ServiceBench::pull();
  request.asked_before = bench.clock.now();
  const auto answered = bench.enqueue(request);
  ASSERT_TRUE(answered.sync);
  EXPECT_EQ(answered.sync->id, "sync_000001");
  EXPECT_EQ(bench.mesa.count("POST"), 0u);
  EXPECT_THAT(bench.observer.events, ElementsAre("queued app", "started app", "completed app"));
  EXPECT_EQ(bench.listener.changes.back().status, SyncStatus::completed);
}

TEST(A_list_that_loops, ends_the_search) {
  ServiceBench bench;
  bench.mesa.make_sync("app", {{"direction", "push"}});
  bench.mesa.pages_loop = true;
  auto request = ServiceBench::pull();
  request.asked_before = bench.clock.now();
  EXPECT_TRUE(bench.enqueue(request).sync);
  EXPECT_LE(bench.mesa.count("GET"), 3u);
}

TEST(After_a_restart, a_sync_in_flight_is_followed_and_not_asked_for_again) {
  ServiceBench bench;
  const auto answered = bench.enqueue(three_globs());
  bench.mesa.complete("sync_000001");
  bench.pass(1s);
  bench.restart();
  EXPECT_TRUE(bench.service->follow(answered.sync->id));
  bench.mesa.complete_all();
  bench.listener.changes.clear();
  bench.pass(5s);
  EXPECT_EQ(bench.mesa.count("POST"), 3u);
  ASSERT_FALSE(bench.listener.changes.empty());
  EXPECT_EQ(bench.listener.changes.back().id, answered.sync->id);
  EXPECT_EQ(bench.listener.changes.back().status, SyncStatus::completed);
}

TEST(After_a_restart, a_sync_that_is_over_is_told_at_once) {
  ServiceBench bench;
  const auto answered = bench.enqueue(three_globs());
  bench.mesa.complete_all();
  bench.pass(2s);
  bench.restart();
  bench.listener.changes.clear();
  EXPECT_TRUE(bench.service->follow(answered.sync->id));
  bench.settle();
  ASSERT_EQ(bench.listener.changes.size(), 1u);
  EXPECT_EQ(bench.listener.changes[0].status, SyncStatus::completed);
  EXPECT_FALSE(bench.service->follow("unknown"));
  EXPECT_FALSE(bench.service->follow("sync_000001+unknown"));
}

TEST(A_cancelled_hosted_sync, fails_here) {
  ServiceBench bench;
  const auto answered = bench.enqueue(three_globs());
  bench.service->cancel(answered.sync->id, {.kind = ErrorKind::transient, .message = "given up"});
  bench.settle();
  EXPECT_EQ(bench.listener.changes.back().status, SyncStatus::failed);
  EXPECT_THAT(bench.listener.changes.back().failure->message, HasSubstr("given up"));
  EXPECT_EQ(bench.service->next_wake(), SteadyTime::max());
}

TEST(A_stop, waits_for_requests_under_way_and_not_for_syncs) {
  ServiceBench bench;
  bench.enqueue(ServiceBench::pull());
  EXPECT_EQ(bench.service->running(), 0u);
  auto push = ServiceBench::pull();
  push.direction = Direction::push;
  bench.service->enqueue(push, [](const Sync*, const Failure*) {});
  bench.recorder.settle();
  bench.service->stop_starting();
  EXPECT_EQ(bench.service->running(), 1u);
  bench.settle();
  EXPECT_EQ(bench.service->running(), 0u);
  EXPECT_EQ(bench.recorder.syncs.size(), 2u);
}

TEST(An_interrupted_request, stays_unanswered_for_the_next_process) {
  ServiceBench bench;
  bench.service->enqueue(ServiceBench::pull(), [](const Sync*, const Failure*) { FAIL() << "answered"; });
  bench.recorder.settle();
  bench.service->interrupt();
  EXPECT_EQ(bench.service->running(), 0u);
  bench.settle();
  EXPECT_TRUE(bench.recorder.syncs.empty());
}

TEST(A_webhook, ends_the_sync_without_a_poll_and_counts_once) {
  ServiceBench bench;
  bench.enqueue(ServiceBench::pull());
  auto ended = bench.recorder.syncs.at("sync_000001");
  ended.status = SyncStatus::completed;
  ended.refs = std::make_shared<const RefResults>();
  const WebhookEvent event{.id = "evt_1", .type = "sync.completed", .sync = ended};
  bench.service->told(event);
  bench.service->told(event);
  bench.recorder.settle();
  EXPECT_THAT(bench.observer.events, ElementsAre("queued app", "completed app"));
  EXPECT_EQ(bench.listener.changes.size(), 1u);
  EXPECT_EQ(bench.mesa.count("GET"), 0u);
  bench.service->told({.id = "evt_2", .type = "sync.completed", .sync = ended});
  bench.recorder.settle();
  EXPECT_EQ(bench.listener.changes.size(), 1u);
}

}  // namespace
}  // namespace refsyncd
