#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "harness.h"

namespace refsyncd {
namespace {

using testing::ElementsAre;

/// What model/sync_service.h promises, asked of every service. Not asserted, because they differ by nature:
///  - waiting() and running() in between: a hosted service runs syncs elsewhere, where no stop waits for them
///  - the attempt after a restart: here the work begins anew, elsewhere it went on
///  - a request after stop_starting(): here it is kept for the next process, elsewhere it would start, so it
///  is
///    refused
struct Kind {
  const char* name;
  std::unique_ptr<ServiceHarness> (*make)();
};

class EverySyncService : public testing::TestWithParam<Kind> {
 protected:
  struct Answered {
    int times = 0;
    std::optional<Sync> sync;
    std::optional<Sync> durable;  // at the time of the answer
    std::optional<Failure> refused;
  };

  static SyncRequest pull(const std::string& repo = "app") {
    SyncRequest request;
    request.repo = repo;
    return request;
  }
  std::shared_ptr<Answered> ask(const SyncRequest& request) {
    auto answered = std::make_shared<Answered>();
    service().enqueue(request, [this, answered](const Sync* sync, const Failure* refused) {
      ++answered->times;
      if (refused != nullptr) answered->refused = *refused;
      if (sync == nullptr) return;
      answered->sync = *sync;
      const auto& durable = harness->recorder().durable;
      if (const auto found = durable.find(sync->id); found != durable.end())
        answered->durable = found->second;
    });
    return answered;
  }
  /// The id of the sync that a request gets.
  std::string enqueue(const SyncRequest& request) {
    const auto answered = ask(request);
    harness->settle();
    EXPECT_TRUE(answered->sync) << request.repo;
    return answered->sync ? answered->sync->id : "";
  }
  std::string started(const SyncRequest& request) {
    auto id = enqueue(request);
    harness->let_start(id);
    EXPECT_EQ(harness->store().sync(id)->status, SyncStatus::in_progress);
    return id;
  }
  SyncService& service() { return harness->service(); }
  /// The one time that the end of this sync was told.
  Sync end_told(const std::string& id) {
    const auto ends = harness->listener().ends(id);
    EXPECT_EQ(ends.size(), 1u);
    return ends.empty() ? Sync{} : ends[0].sync;
  }

  const Failure given_up{.kind = ErrorKind::transient, .message = "given up", .retry_after = {}};
  std::unique_ptr<ServiceHarness> harness = GetParam().make();
};

TEST_P(EverySyncService, answers_a_request_once_and_never_within_the_call) {
  const auto answered = ask(pull());
  EXPECT_EQ(answered->times, 0);
  harness->settle();
  ASSERT_TRUE(answered->sync);
  EXPECT_FALSE(answered->refused);
  harness->complete(answered->sync->id);
  EXPECT_EQ(answered->times, 1);
}

TEST_P(EverySyncService, answers_when_the_sync_is_durable) {
  auto request = pull();
  request.policy = "nightly";
  const auto answered = ask(request);
  harness->settle();
  ASSERT_TRUE(answered->durable);
  EXPECT_EQ(answered->durable->request, request);
  EXPECT_FALSE(answered->durable->terminal());
}

TEST_P(EverySyncService, refuses_an_unknown_repository_and_keeps_nothing_of_it) {
  const auto answered = ask(pull("nobody"));
  EXPECT_EQ(answered->times, 0);
  harness->settle();
  EXPECT_EQ(answered->times, 1);
  EXPECT_FALSE(answered->sync);
  ASSERT_TRUE(answered->refused);
  EXPECT_EQ(answered->refused->kind, ErrorKind::not_found);
  EXPECT_TRUE(harness->store().syncs({}).empty());
  EXPECT_TRUE(harness->observer().events.empty());
  EXPECT_TRUE(harness->listener().told.empty());
}

TEST_P(EverySyncService, gives_identical_requests_that_wait_one_sync_with_the_more_urgent_priority) {
  harness->hold();
  const auto first = ask(pull());
  const auto together = ask(pull());
  harness->settle();
  auto urgent = pull();
  urgent.priority = Priority::manual;
  const auto later = ask(urgent);
  harness->settle();
  ASSERT_TRUE(first->sync && together->sync && later->sync);
  EXPECT_EQ(together->sync->id, first->sync->id);
  EXPECT_EQ(later->sync->id, first->sync->id);
  EXPECT_EQ(later->durable->request.priority, Priority::manual);
  harness->release();
  harness->complete(first->sync->id);
  EXPECT_EQ(end_told(first->sync->id).status, SyncStatus::completed);
}

TEST_P(EverySyncService, gives_a_request_a_new_sync_once_the_identical_one_has_started) {
  const auto running = started(pull());
  EXPECT_NE(enqueue(pull()), running);
}

TEST_P(EverySyncService, gives_different_requests_different_syncs) {
  harness->hold();
  auto push = pull();
  push.direction = Direction::push;
  auto tags = pull();
  tags.globs = {.branches = {}, .tags = {"v*"}};
  const std::set<std::string> ids{enqueue(pull()), enqueue(push), enqueue(tags), enqueue(pull("lib"))};
  EXPECT_EQ(ids.size(), 4u);
}

TEST_P(EverySyncService, tells_the_end_once_with_its_refs_when_it_is_durable) {
  const auto id = enqueue(pull());
  const RefResults refs{
      {.name = "refs/heads/main",
       .before = std::nullopt,
       .after = *ObjectId::from_hex(std::string(40, 'a')),
       .outcome = Outcome::updated,
       .reason = Reason::created},
      {.name = "refs/heads/old",
       .before = ObjectId::from_hex(std::string(40, 'b')),
       .after = *ObjectId::from_hex(std::string(40, 'b')),
       .outcome = Outcome::rejected,
       .reason = Reason::non_fast_forward},
  };
  harness->complete(id, refs);
  const auto ended = end_told(id);
  EXPECT_EQ(ended.status, SyncStatus::completed);
  EXPECT_EQ(ended.request, pull());
  EXPECT_FALSE(ended.failure);
  EXPECT_TRUE(ended.started_at && ended.finished_at);
  ASSERT_TRUE(ended.refs);
  EXPECT_EQ(*ended.refs, refs);
  EXPECT_EQ(count(*ended.refs), (RefCounts{.updated = 1, .rejected = 1}));
  EXPECT_EQ(harness->listener().ends(id)[0].durable, SyncStatus::completed);
  EXPECT_EQ(*harness->store().sync(id)->refs, refs);
}

TEST_P(EverySyncService, tells_a_failure_with_its_kind_and_message_when_it_is_durable) {
  const auto id = enqueue(pull());
  const Failure failure{.kind = ErrorKind::auth, .message = "the upstream wants a login", .retry_after = {}};
  harness->end(id, {}, failure);
  const auto ended = end_told(id);
  EXPECT_EQ(ended.status, SyncStatus::failed);
  EXPECT_EQ(ended.failure, failure);
  EXPECT_EQ(harness->listener().ends(id)[0].durable, SyncStatus::failed);
  EXPECT_EQ(harness->store().sync(id)->failure, failure);
}

TEST_P(EverySyncService, lets_observers_hear_queued_started_and_finished_in_this_order) {
  const auto id = started(pull());
  EXPECT_THAT(harness->observer().events, ElementsAre("queued app", "started app"));
  harness->complete(id);
  harness->end(enqueue(pull("lib")), {}, given_up);
  EXPECT_THAT(harness->observer().events, ElementsAre("queued app", "started app", "completed app",
                                                      "queued lib", "started lib", "failed lib"));
}

TEST_P(EverySyncService, tells_the_end_of_a_sync_that_is_over_to_who_follows_it) {
  const auto id = enqueue(pull());
  harness->end(id, {}, given_up);
  harness->restart();
  harness->listener().told.clear();
  EXPECT_TRUE(service().follow(id));
  EXPECT_TRUE(harness->listener().told.empty()) << "never within the call";
  harness->settle();
  EXPECT_EQ(end_told(id).failure, given_up);
}

TEST_P(EverySyncService, does_not_follow_what_it_does_not_know) {
  EXPECT_FALSE(service().follow("unknown"));
  EXPECT_FALSE(service().follow(""));
  harness->settle();
  EXPECT_TRUE(harness->listener().told.empty());
}

TEST_P(EverySyncService, takes_up_syncs_in_flight_after_a_restart) {
  const auto running = started(pull());
  const auto other = enqueue(pull("lib"));
  harness->restart();
  EXPECT_TRUE(service().follow(running));
  EXPECT_TRUE(service().follow(other));
  harness->complete(running);
  harness->end(other, {}, given_up);
  EXPECT_EQ(end_told(running).status, SyncStatus::completed);
  EXPECT_EQ(end_told(other).failure, given_up);
  EXPECT_EQ(harness->store().syncs({}).size(), 2u);
  EXPECT_TRUE(harness->store().unfinished_syncs().empty());
}

TEST_P(EverySyncService, leaves_to_the_next_process_what_an_interrupt_lets_go_of) {
  const auto id = started(pull());
  service().interrupt();
  harness->let_stop();
  EXPECT_EQ(service().running(), 0u);
  EXPECT_EQ(harness->store().sync(id)->status, SyncStatus::in_progress);
  EXPECT_TRUE(harness->listener().ends(id).empty());
  harness->restart();
  EXPECT_TRUE(service().follow(id));
  harness->complete(id);
  EXPECT_EQ(end_told(id).status, SyncStatus::completed);
}

TEST_P(EverySyncService, fails_a_cancelled_sync_with_the_given_reason_whether_it_runs_or_waits) {
  const auto running = started(pull());
  const auto waiting = enqueue(pull("lib"));
  for (const auto& id : {waiting, running}) {
    service().cancel(id, given_up);
    EXPECT_TRUE(harness->listener().ends(id).empty()) << "never within the call";
  }
  harness->settle();
  harness->let_stop();
  for (const auto& id : {waiting, running}) {
    EXPECT_EQ(end_told(id).status, SyncStatus::failed);
    EXPECT_EQ(end_told(id).failure, given_up);
    EXPECT_EQ(harness->listener().ends(id)[0].durable, SyncStatus::failed);
  }
}

TEST_P(EverySyncService, ignores_the_cancelling_of_what_is_unknown_or_over) {
  const auto id = enqueue(pull());
  harness->complete(id);
  service().cancel(id, given_up);
  service().cancel("unknown", given_up);
  harness->settle();
  EXPECT_EQ(end_told(id).status, SyncStatus::completed);
  EXPECT_EQ(harness->store().sync(id)->status, SyncStatus::completed);
}

TEST_P(EverySyncService, starts_nothing_new_after_it_was_told_so_but_ends_what_runs) {
  const auto running = started(pull());
  const auto begun = harness->begun();
  service().stop_starting();
  const auto answered = ask(pull("lib"));
  harness->settle();
  EXPECT_EQ(answered->times, 1);
  harness->complete(running);
  EXPECT_EQ(end_told(running).status, SyncStatus::completed);
  EXPECT_EQ(harness->begun(), begun);
  EXPECT_THAT(harness->observer().events, testing::Not(testing::Contains("started lib")));
}

TEST_P(EverySyncService, comes_to_rest_when_all_has_ended) {
  const auto first = ask(pull());
  const auto second = ask(pull("lib"));
  EXPECT_TRUE(service().waiting() + service().running() > 0 || service().lost_requests_leave_nothing())
      << "a stop has to wait for what was asked";
  harness->settle();
  harness->complete(first->sync->id);
  harness->complete(second->sync->id);
  EXPECT_EQ(service().waiting(), 0u);
  EXPECT_EQ(service().running(), 0u);
  EXPECT_EQ(service().waiting_for(first->sync->id), "");
  EXPECT_EQ(service().next_wake(), SteadyTime::max());
}

INSTANTIATE_TEST_SUITE_P(services, EverySyncService,
                         testing::Values(Kind{"local", local_harness}, Kind{"probing", probing_harness},
                                         Kind{"mesa", mesa_harness}),
                         [](const auto& at) { return std::string(at.param.name); });

}  // namespace
}  // namespace refsyncd
