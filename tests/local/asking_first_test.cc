#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service_bench.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

/// What a sync would tell that changed nothing.
std::shared_ptr<const RefResults> nothing_new() {
  RefResult main;
  main.name = "refs/heads/main";
  return std::make_shared<const RefResults>(RefResults{main});
}
std::shared_ptr<const Advertisement> some_listing() { return std::make_shared<const Advertisement>(); }

SyncRequest manual(const std::string& repo) {
  auto request = Bench::pull(repo);
  request.priority = Priority::manual;
  return request;
}

/// A service whose upstreams are asked first, by questions that the test answers.
class AskingFirst : public testing::Test {
 protected:
  struct Answered {
    int times = 0;
    std::optional<Sync> sync;
    std::optional<Failure> refused;
  };

  std::shared_ptr<Answered> ask(const SyncRequest& request) {
    auto answered = std::make_shared<Answered>();
    bench.service->enqueue(request, [answered](const Sync* sync, const Failure* refused) {
      ++answered->times;
      if (sync != nullptr) answered->sync = *sync;
      if (refused != nullptr) answered->refused = *refused;
    });
    return answered;
  }
  const Sync& only_record() const {
    EXPECT_THAT(bench.recorder.syncs, SizeIs(1));
    return bench.recorder.syncs.begin()->second;
  }

  Bench bench{8, true};
  const Failure down{.kind = ErrorKind::transient, .message = "down", .retry_after = 7s};
};

TEST_F(AskingFirst, AScheduledRequestThatFindsNothingIsRecordedOnceAndToldToAll) {
  const auto asked_at = bench.clock.now();
  const auto answered = ask(Bench::pull("app"));
  bench.recorder.settle();
  EXPECT_THAT(bench.recorder.syncs, IsEmpty()) << "nothing was promised yet";
  EXPECT_EQ(answered->times, 0);
  ASSERT_THAT(bench.questions, SizeIs(1));
  EXPECT_EQ(bench.questions[0].repo.name, "app");
  bench.clock.advance(80ms);
  const auto results = nothing_new();
  const auto done = bench.questions[0].done;
  done({.unchanged = results});
  EXPECT_EQ(answered->times, 0) << "the record is not durable yet";
  EXPECT_THAT(bench.listener.changes, IsEmpty());
  EXPECT_THAT(bench.observer.events, IsEmpty());
  bench.recorder.settle();
  const auto& sync = only_record();
  EXPECT_EQ(sync.status, SyncStatus::completed);
  EXPECT_EQ(sync.refs, results);
  EXPECT_EQ(sync.created_at, asked_at);
  EXPECT_EQ(sync.started_at, asked_at);
  EXPECT_EQ(sync.finished_at, asked_at + 80ms);
  EXPECT_EQ(sync.attempt, 1);
  EXPECT_EQ(sync.repo_id, bench.recorder.repositories.at("app").id);
  ASSERT_TRUE(answered->sync);
  EXPECT_EQ(answered->times, 1);
  EXPECT_EQ(answered->sync->id, sync.id);
  EXPECT_THAT(bench.observer.events, ElementsAre("completed app"));
  ASSERT_THAT(bench.listener.changes, SizeIs(1));
  EXPECT_EQ(bench.listener.changes[0].id, sync.id);
  EXPECT_THAT(bench.background, IsEmpty()) << "no worker was busy with it";
  EXPECT_TRUE(bench.service->follow(sync.id));
}

TEST_F(AskingFirst, TheAnswerIsGivenBeforeTheEndIsTold) {
  size_t told_before = 99;
  bench.service->enqueue(Bench::pull("app"),
                         [&](const Sync*, const Failure*) { told_before = bench.listener.changes.size(); });
  bench.answer({.unchanged = nothing_new()});
  EXPECT_EQ(told_before, 0U) << "who asked would not know whose end it is";
  EXPECT_THAT(bench.listener.changes, SizeIs(1));
}

TEST_F(AskingFirst, AScheduledRequestWhoseUpstreamCannotBeAskedIsAFailedSync) {
  const auto answered = ask(Bench::pull("app"));
  bench.answer({.failure = down});
  EXPECT_EQ(only_record().status, SyncStatus::failed);
  EXPECT_EQ(only_record().failure, down);
  ASSERT_TRUE(answered->sync) << "it was taken, and failed";
  EXPECT_FALSE(answered->refused);
  EXPECT_THAT(bench.observer.events, ElementsAre("failed app"));
  ASSERT_THAT(bench.listener.changes, SizeIs(1));
  EXPECT_EQ(bench.listener.changes[0].failure, down);
  EXPECT_THAT(bench.background, IsEmpty());
}

TEST_F(AskingFirst, AScheduledRequestWithWorkIsQueuedAndTheWorkerGetsTheListing) {
  const auto answered = ask(Bench::pull("app"));
  const auto listing = some_listing();
  bench.answer({.listed = listing});
  ASSERT_TRUE(answered->sync);
  EXPECT_EQ(answered->sync->status, SyncStatus::queued);
  EXPECT_THAT(bench.questions, IsEmpty()) << "it was asked already";
  bench.work();
  EXPECT_THAT(bench.listings, ElementsAre(listing));
  EXPECT_EQ(only_record().status, SyncStatus::completed);
  EXPECT_THAT(bench.observer.events, ElementsAre("queued app", "started app", "completed app"));
}

TEST_F(AskingFirst, WorkThatHasToListByItselfIsNotAskedAboutAgainAndAgain) {
  ask(Bench::pull("app"));
  bench.answer({});
  ASSERT_THAT(bench.questions, SizeIs(1)) << "when its turn comes";
  bench.answer({});
  bench.work();
  EXPECT_THAT(bench.listings, ElementsAre(nullptr));
}

TEST_F(AskingFirst, ARequestByHandIsQueuedFirstAndThenNeedsNoWorker) {
  const auto answered = ask(manual("app"));
  bench.recorder.settle();
  ASSERT_TRUE(answered->sync);
  EXPECT_EQ(only_record().status, SyncStatus::in_progress);
  EXPECT_THAT(bench.background, IsEmpty());
  bench.answer({.unchanged = nothing_new()});
  EXPECT_EQ(only_record().status, SyncStatus::completed);
  EXPECT_THAT(bench.worked_on, IsEmpty());
  EXPECT_THAT(bench.observer.events, ElementsAre("queued app", "started app", "completed app"));
  EXPECT_EQ(bench.service->running(), 0U);
}

TEST_F(AskingFirst, AskingAndWorkShareTheTimeOfASync) {
  auto request = manual("app");
  request.timeout = 10s;
  ask(request);
  bench.recorder.settle();
  const auto deadline = bench.clock.steady() + 10s;
  bench.clock.advance(7s);
  bench.answer({.listed = some_listing()});
  bench.work();
  EXPECT_THAT(bench.deadlines, ElementsAre(deadline));
}

TEST_F(AskingFirst, ARequestByHandWithWorkGoesToAWorkerWithTheListing) {
  ask(manual("app"));
  bench.recorder.settle();
  const auto listing = some_listing();
  bench.answer({.listed = listing});
  bench.work();
  EXPECT_THAT(bench.listings, ElementsAre(listing));
  EXPECT_EQ(only_record().status, SyncStatus::completed);
}

TEST_F(AskingFirst, ARequestByHandWhoseUpstreamCannotBeAskedFails) {
  ask(manual("app"));
  bench.recorder.settle();
  bench.answer({.failure = down});
  EXPECT_EQ(only_record().failure, down);
  EXPECT_EQ(bench.service->running(), 0U);
}

TEST_F(AskingFirst, ARequestForABusyRepositoryWaitsForIt) {
  const auto first = ask(manual("app"));
  bench.recorder.settle();
  ask(Bench::pull("app"));
  bench.recorder.settle();
  EXPECT_THAT(bench.questions, SizeIs(1));
  EXPECT_EQ(bench.service->waiting(), 1U);
  bench.answer({.unchanged = nothing_new()});
  EXPECT_THAT(bench.questions, SizeIs(1)) << "now its turn has come";
  bench.answer({.unchanged = nothing_new()});
  EXPECT_THAT(bench.recorder.syncs, SizeIs(2));
}

TEST_F(AskingFirst, AnUnknownRepositoryIsRefusedWithoutAsking) {
  const auto answered = ask(Bench::pull("nobody"));
  bench.recorder.settle();
  ASSERT_TRUE(answered->refused);
  EXPECT_EQ(answered->refused->kind, ErrorKind::not_found);
  EXPECT_THAT(bench.questions, IsEmpty());
}

TEST_F(AskingFirst, CancellingASyncThatIsAskedAboutEndsItAtOnce) {
  const auto answered = ask(manual("app"));
  bench.recorder.settle();
  const Failure why{.kind = ErrorKind::transient, .message = "given up", .retry_after = {}};
  bench.service->cancel(answered->sync->id, why);
  bench.recorder.settle();
  EXPECT_EQ(only_record().failure, why);
  EXPECT_EQ(bench.service->running(), 0U);
  bench.answer({.listed = some_listing()});
  EXPECT_THAT(bench.background, IsEmpty()) << "the answer came too late";
  EXPECT_THAT(bench.listener.changes, SizeIs(2)) << "started and failed";
}

TEST_F(AskingFirst, AnInterruptLeavesASyncThatIsAskedAboutToTheNextProcess) {
  ask(manual("app"));
  bench.recorder.settle();
  bench.service->interrupt();
  bench.recorder.settle();
  EXPECT_EQ(only_record().status, SyncStatus::in_progress);
  EXPECT_EQ(bench.service->running(), 0U) << "a stop has nothing to wait for";
  bench.answer({.unchanged = nothing_new()});
  EXPECT_EQ(only_record().status, SyncStatus::in_progress);
}

TEST_F(AskingFirst, OnceStoppedWorkThatIsFoundStaysForTheNextProcess) {
  const auto with_work = ask(Bench::pull("app"));
  const auto without = ask(Bench::pull("lib"));
  bench.service->stop_starting();
  bench.answer({.listed = some_listing()});
  bench.answer({.unchanged = nothing_new()});
  ASSERT_TRUE(with_work->sync);
  EXPECT_EQ(bench.recorder.syncs.at(with_work->sync->id).status, SyncStatus::queued);
  EXPECT_THAT(bench.background, IsEmpty());
  ASSERT_TRUE(without->sync);
  EXPECT_EQ(bench.recorder.syncs.at(without->sync->id).status, SyncStatus::completed);
}

TEST_F(AskingFirst, OnceStoppedNobodyIsAskedFirst) {
  bench.service->stop_starting();
  const auto answered = ask(Bench::pull("app"));
  bench.recorder.settle();
  EXPECT_THAT(bench.questions, IsEmpty());
  EXPECT_TRUE(answered->sync);
}

TEST_F(AskingFirst, ARepositoryThatGoesAwayMeanwhileIsNoLongerThere) {
  const auto unchanged = ask(Bench::pull("app"));
  const auto with_work = ask(Bench::pull("lib"));
  bench.service->configure({}, 8, 4);
  bench.answer({.unchanged = nothing_new()});
  bench.answer({.listed = some_listing()});
  for (const auto& answered : {unchanged, with_work}) {
    EXPECT_EQ(answered->times, 1);
    ASSERT_TRUE(answered->refused);
    EXPECT_EQ(answered->refused->kind, ErrorKind::not_found);
  }
  EXPECT_THAT(bench.recorder.syncs, IsEmpty());
}

TEST_F(AskingFirst, WhatAnotherUpstreamSaidBeforeAReloadIsWorthNothing) {
  const auto answered = ask(Bench::pull("app"));
  auto moved = Bench::repo("app");
  moved.upstream->url = "https://example.org/elsewhere";
  bench.service->configure({moved}, 8, 4);
  bench.answer({.unchanged = nothing_new()});
  ASSERT_TRUE(answered->sync);
  EXPECT_EQ(answered->sync->status, SyncStatus::queued);
  ASSERT_THAT(bench.questions, SizeIs(1)) << "the new one is asked";
  EXPECT_EQ(bench.questions[0].repo.upstream->url, "https://example.org/elsewhere");
}

TEST_F(AskingFirst, ASyncWhoseRepositoryGoesAwayMeanwhileFails) {
  ask(manual("app"));
  bench.recorder.settle();
  bench.service->configure({}, 8, 4);
  bench.answer({.listed = some_listing()});
  EXPECT_EQ(only_record().failure->kind, ErrorKind::bad_config);
  EXPECT_THAT(bench.background, IsEmpty());
}

TEST_F(AskingFirst, AListingThatIsTooOldWhenTheTurnComesIsNotUsed) {
  Bench narrow(1, true);
  narrow.service->enqueue(manual("lib"), [](const Sync*, const Failure*) {});
  narrow.recorder.settle();
  narrow.answer({.listed = some_listing()});
  narrow.service->enqueue(Bench::pull("app"), [](const Sync*, const Failure*) {});
  narrow.answer({.listed = some_listing()});
  EXPECT_EQ(narrow.service->waiting(), 1U);
  narrow.clock.advance(30s);
  narrow.work();
  ASSERT_THAT(narrow.questions, SizeIs(1)) << "asked again";
  const auto fresh = some_listing();
  narrow.answer({.listed = fresh});
  narrow.work();
  EXPECT_EQ(narrow.listings.back(), fresh);
}

TEST_F(AskingFirst, WhoJoinsAWaitingSyncWantsWhatIsThereNow) {
  Bench narrow(1, true);
  const auto nobody = [](const Sync*, const Failure*) {};
  narrow.service->enqueue(manual("lib"), nobody);
  narrow.recorder.settle();
  narrow.answer({.listed = some_listing()});
  narrow.service->enqueue(Bench::pull("app"), nobody);
  narrow.answer({.listed = some_listing()});
  narrow.service->enqueue(manual("app"), nobody);
  narrow.recorder.settle();
  EXPECT_EQ(narrow.service->waiting(), 1U) << "they share a sync";
  narrow.work();
  EXPECT_THAT(narrow.questions, SizeIs(1));
}

TEST_F(AskingFirst, ASyncThatIsRaisedLooksAtWhatIsThereNow) {
  Bench narrow(1, true);
  const auto nobody = [](const Sync*, const Failure*) {};
  narrow.service->enqueue(manual("lib"), nobody);
  narrow.recorder.settle();
  narrow.answer({.listed = some_listing()});
  std::string id;
  narrow.service->enqueue(Bench::pull("app"), [&](const Sync* sync, const Failure*) { id = sync->id; });
  narrow.answer({.listed = some_listing()});
  EXPECT_TRUE(narrow.service->raise(id, Priority::manual));
  narrow.work();
  EXPECT_THAT(narrow.questions, SizeIs(1));
}

TEST_F(AskingFirst, WhatAnEarlierProcessLeftIsQueuedNotAskedAgain) {
  ask(manual("app"));
  bench.recorder.settle();
  bench.recorder.crash();
  bench.questions.clear();
  bench.start();
  bench.service->adopt(bench.store.repositories(), bench.store.unfinished_syncs());
  ask(Bench::pull("app"));
  EXPECT_THAT(bench.questions, IsEmpty()) << "it joins what waits";
  bench.service->tick();
  bench.recorder.settle();
  bench.answer({.unchanged = nothing_new()});
  EXPECT_EQ(only_record().status, SyncStatus::completed);
  EXPECT_EQ(only_record().attempt, 2);
}

TEST_F(AskingFirst, AnAnswerAfterTheServicesEndReachesNobody) {
  const auto answered = ask(Bench::pull("app"));
  bench.service.reset();
  bench.questions.at(0).done({.unchanged = nothing_new()});
  bench.recorder.settle();
  EXPECT_EQ(answered->times, 0);
  EXPECT_THAT(bench.recorder.syncs, IsEmpty());
}

}  // namespace
}  // namespace refsyncd
