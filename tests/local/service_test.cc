#include "local/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service_bench.h"

namespace refsyncd {
namespace {

using testing::IsSupersetOf;

TEST(A_sync, is_recorded_before_it_is_acknowledged_and_before_it_runs) {
  Bench bench;
  bool acknowledged = false;
  bench.service->enqueue(Bench::pull("app"),
                         [&](const Sync* sync, const Failure*) { acknowledged = sync != nullptr; });
  EXPECT_EQ(bench.recorder.syncs.size(), 1u);
  EXPECT_FALSE(acknowledged);
  EXPECT_TRUE(bench.background.empty());
  bench.recorder.settle();
  EXPECT_TRUE(acknowledged);
  EXPECT_EQ(bench.recorder.syncs.begin()->second.status, SyncStatus::in_progress);
  EXPECT_EQ(bench.background.size(), 1u);
}

TEST(A_sync, is_told_once_when_it_has_ended) {
  Bench bench;
  bench.enqueue(Bench::pull("app"));
  bench.clock.advance(std::chrono::seconds(3));
  bench.work();
  EXPECT_EQ(bench.observer.events, (std::vector<std::string>{"queued app", "started app", "completed app"}));
  ASSERT_EQ(bench.listener.changes.size(), 2u);
  const auto& ended = bench.listener.changes[1];
  EXPECT_EQ(ended.status, SyncStatus::completed);
  EXPECT_EQ(ended.finished_at, bench.clock.now());
  EXPECT_FALSE(ended.failure);
}

TEST(A_sync, that_fails_carries_the_failure) {
  Bench bench;
  bench.failure = Failure{.kind = ErrorKind::not_found, .message = "404"};
  bench.enqueue(Bench::pull("app"));
  bench.work();
  EXPECT_EQ(bench.listener.changes.back().status, SyncStatus::failed);
  EXPECT_EQ(bench.listener.changes.back().failure, bench.failure);
}

TEST(A_request, for_an_unknown_repository_or_one_without_upstream_is_refused_with_the_reason) {
  Bench bench;
  Failure refused;
  bench.enqueue(Bench::pull("nobody"), &refused);
  EXPECT_EQ(refused.kind, ErrorKind::not_found);
  bench.enqueue(Bench::pull("alone"), &refused);
  EXPECT_EQ(refused.kind, ErrorKind::bad_config);
  EXPECT_TRUE(bench.recorder.syncs.empty());
}

TEST(Identical_requests, that_wait_share_one_sync_with_the_higher_priority) {
  Bench bench;
  const auto running = bench.enqueue(Bench::pull("app"));
  auto scheduled = Bench::pull("app");
  scheduled.policy = "app-pull";
  auto manual = Bench::pull("app");
  manual.priority = Priority::manual;
  const auto first = bench.enqueue(manual);
  const auto second = bench.enqueue(scheduled);
  EXPECT_NE(first.id, running.id);
  EXPECT_EQ(first.id, second.id);
  EXPECT_EQ(second.request.priority, Priority::manual);
  EXPECT_EQ(second.request.policy, "app-pull");
}

TEST(Different_requests, of_one_repository_run_one_after_the_other) {
  Bench bench;
  auto push = Bench::pull("app");
  push.direction = Direction::push;
  bench.enqueue(Bench::pull("app"));
  const auto second = bench.enqueue(push);
  EXPECT_EQ(bench.background.size(), 1u);
  EXPECT_EQ(bench.service->waiting_for(second.id), "another sync of app");
  bench.work();
  bench.work();
  EXPECT_EQ(bench.worked_on.size(), 2u);
}

TEST(A_repository_under_a_new_name, waits_for_the_sync_that_runs_under_the_old_one) {
  Bench bench;
  bench.enqueue(Bench::pull("app"));
  auto renamed = Bench::repo("app");
  renamed.name = "renamed";
  bench.service->configure({renamed, Bench::repo("lib")}, 8, 4);
  const auto second = bench.enqueue(Bench::pull("renamed"));
  EXPECT_EQ(bench.background.size(), 1U);
  EXPECT_FALSE(bench.service->waiting_for(second.id).empty());
  bench.work();
  bench.work();
  EXPECT_EQ(bench.worked_on.size(), 2U);
}

TEST(After_a_crash, queued_syncs_run_and_interrupted_ones_run_again_with_the_next_attempt) {
  Bench bench(1);
  const auto interrupted = bench.enqueue(Bench::pull("app"));
  const auto queued = bench.enqueue(Bench::pull("lib"));
  bench.recorder.crash();
  bench.background.clear();
  bench.start(1);
  bench.adopt();
  bench.work();
  bench.work();
  EXPECT_EQ(bench.recorder.syncs.at(interrupted.id).attempt, 2);
  EXPECT_EQ(bench.recorder.syncs.at(queued.id).attempt, 1);
  for (const auto& [id, sync] : bench.recorder.syncs) EXPECT_EQ(sync.status, SyncStatus::completed);
  EXPECT_EQ(bench.recorder.repositories.size(), 2u) << "repositories keep their ids";
}

TEST(A_sync_that_is_already_over, is_told_at_once_to_who_follows_it) {
  Bench bench;
  const auto sync = bench.enqueue(Bench::pull("app"));
  bench.work();
  bench.listener.changes.clear();
  EXPECT_TRUE(bench.service->follow(sync.id));
  bench.recorder.settle();
  ASSERT_EQ(bench.listener.changes.size(), 1u);
  EXPECT_EQ(bench.listener.changes[0].status, SyncStatus::completed);
  EXPECT_FALSE(bench.service->follow("unknown"));
}

TEST(A_cancelled_sync, fails_with_the_given_reason_whether_it_waits_or_runs) {
  Bench bench(1);
  const Failure why{.kind = ErrorKind::transient, .message = "given up"};
  const auto running = bench.enqueue(Bench::pull("app"));
  const auto waiting = bench.enqueue(Bench::pull("lib"));
  bench.service->cancel(waiting.id, why);
  bench.service->cancel(running.id, why);
  bench.recorder.settle();
  bench.work();
  EXPECT_TRUE(bench.saw_stop);
  EXPECT_EQ(bench.recorder.syncs.at(running.id).failure, why);
  EXPECT_EQ(bench.recorder.syncs.at(waiting.id).failure, why);
  EXPECT_EQ(bench.worked_on.size(), 1u);
}

TEST(A_sync_that_its_upstream_keeps_waiting, gives_its_place_to_another) {
  Bench bench(1);
  bench.enqueue(Bench::pull("app"));
  bench.enqueue(Bench::pull("lib"));
  EXPECT_EQ(bench.service->running(), 1u);
  bench.work_without_reports();
  auto ended = std::exchange(bench.posted, {});  // of app, which still runs to the service
  bench.kept_waiting.at(0)(true);
  bench.hear_reports();
  EXPECT_EQ(bench.service->running(), 2u);
  bench.kept_waiting.at(0)(false);
  bench.posted.insert(bench.posted.end(), ended.begin(), ended.end());
  bench.hear_reports();
  bench.work();
  EXPECT_THAT(bench.observer.events, IsSupersetOf({"completed app", "completed lib"}));
}

TEST(A_sync_that_its_upstream_keeps_waiting, keeps_its_place_where_nobody_could_take_it) {
  Bench bench(1);
  bench.most_workers = 1;
  bench.enqueue(Bench::pull("app"));
  bench.enqueue(Bench::pull("lib"));
  bench.work_without_reports();
  bench.posted.clear();
  bench.kept_waiting.at(0)(true);
  bench.hear_reports();
  EXPECT_EQ(bench.service->running(), 1u);
}

TEST(An_interrupted_service, leaves_running_syncs_to_the_next_process) {
  Bench bench;
  const auto sync = bench.enqueue(Bench::pull("app"));
  bench.service->interrupt();
  bench.work();
  EXPECT_EQ(bench.recorder.syncs.at(sync.id).status, SyncStatus::in_progress);
  EXPECT_EQ(bench.service->running(), 0u);
  EXPECT_EQ(bench.listener.changes.size(), 1u) << "only its start was told";
}

TEST(A_repository_that_left_the_configuration, fails_its_queued_syncs_when_their_turn_comes) {
  Bench bench(1);
  bench.enqueue(Bench::pull("app"));
  const auto orphan = bench.enqueue(Bench::pull("lib"));
  bench.service->configure({Bench::repo("app")}, 1, 4);
  bench.work();
  bench.work();
  EXPECT_EQ(bench.recorder.syncs.at(orphan.id).failure->kind, ErrorKind::bad_config);
}

TEST(After_a_crash, who_asks_again_gets_the_sync_that_was_queued_or_interrupted) {
  Bench bench;
  const auto interrupted = bench.enqueue(Bench::pull("app"));
  bench.recorder.crash();
  bench.background.clear();
  bench.start();
  bench.service->adopt(bench.store.repositories(), bench.store.unfinished_syncs());
  EXPECT_LE(bench.service->next_wake(), bench.clock.steady());
  bench.recorder.settle();
  EXPECT_TRUE(bench.background.empty()) << "nobody had the time to ask again";
  EXPECT_EQ(bench.enqueue(Bench::pull("app")).id, interrupted.id);
  bench.service->tick();
  bench.recorder.settle();
  bench.work();
  bench.work();
  EXPECT_EQ(bench.worked_on, std::vector<std::string>{interrupted.id});
  EXPECT_EQ(bench.recorder.syncs.size(), 1u);
}

TEST(A_sync_that_ends_the_agent_each_time, is_given_up_and_told_so) {
  Bench bench;
  const auto fatal = bench.enqueue(Bench::pull("app"));
  for (int crashes = 1; crashes <= 5; ++crashes) {
    EXPECT_EQ(bench.recorder.syncs.at(fatal.id).attempt, crashes);
    EXPECT_EQ(bench.background.size(), 1u);
    bench.recorder.crash();
    bench.background.clear();
    bench.start();
    bench.listener.changes.clear();
    bench.service->adopt(bench.store.repositories(), bench.store.unfinished_syncs());
    EXPECT_TRUE(bench.service->follow(fatal.id));
    bench.service->tick();
    bench.recorder.settle();
  }
  EXPECT_TRUE(bench.background.empty());
  ASSERT_EQ(bench.listener.changes.size(), 1u);
  EXPECT_EQ(bench.listener.changes[0].failure->kind, ErrorKind::internal);
  EXPECT_EQ(bench.listener.changes[0].failure->message, "the agent ended in the middle of it 5 times");
}

TEST(Identical_requests, share_the_longer_timeout) {
  Bench bench(1);
  bench.enqueue(Bench::pull("lib"));
  auto patient = Bench::pull("app");
  patient.timeout = std::chrono::hours(2);
  const auto first = bench.enqueue(Bench::pull("app"));
  const auto second = bench.enqueue(patient);
  EXPECT_EQ(first.id, second.id);
  EXPECT_EQ(second.request.timeout, std::chrono::hours(2));
}

TEST(A_raised_sync, goes_before_others_and_one_that_runs_is_left_alone) {
  Bench bench(1);
  auto scheduled = [](const std::string& repo) {
    auto request = Bench::pull(repo);
    request.priority = Priority::scheduled;
    return request;
  };
  const auto running = bench.enqueue(scheduled("app"));
  auto other = scheduled("app");
  other.force = true;
  const auto first = bench.enqueue(other);
  const auto second = bench.enqueue(scheduled("lib"));
  EXPECT_TRUE(bench.service->raise(second.id, Priority::manual));
  EXPECT_TRUE(bench.service->raise(second.id, Priority::manual)) << "it still waits";
  EXPECT_FALSE(bench.service->raise(running.id, Priority::manual));
  EXPECT_FALSE(bench.service->raise("unknown", Priority::manual));
  EXPECT_EQ(bench.recorder.syncs.at(running.id).request.priority, Priority::scheduled);
  for (int i = 0; i < 3; ++i) bench.work();
  EXPECT_EQ(bench.worked_on, (std::vector<std::string>{running.id, second.id, first.id}));
  EXPECT_EQ(bench.recorder.syncs.at(second.id).request.priority, Priority::manual);
}

}  // namespace
}  // namespace refsyncd
