// What is kept of events until they are delivered.
#include <gmock/gmock.h>

#include "contract/sync_json.h"
#include "store/raw_database.h"
#include "webhooks/webhooks_bench.h"

namespace refsyncd {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::IsEmpty;

using TheOutbox = WebhooksTest;

TEST_F(TheOutbox, writes_no_refs_into_the_outbox_and_sends_them_all_the_same) {
  life->add_target(receiver.url(), {"sync.completed"});
  receiver.always(500);
  constexpr size_t refs = 2'000;
  for (int i = 0; i < 5; ++i) record(completed_sync(std::to_string(i), many_unchanged(refs)));
  settle();
  EXPECT_EQ(run_sql(folder / "state.db", "SELECT count(*), sum(length(payload)) < 5000 FROM deliveries"),
            "5 1");
  receiver.always(0);
  clock.shift += 10s;
  settle();
  ASSERT_EQ(receiver.count(), 6u);
  EXPECT_EQ(receiver.told().back(), "sync.completed 4");
  const auto body = json::parse(receiver.requests().back().body);
  EXPECT_EQ(sync_from_json(body["data"]["sync"]).refs->size(), refs);
  EXPECT_EQ(receiver.requests()[0].body, receiver.requests()[1].body) << "in every try";
}

TEST_F(TheOutbox, tells_of_a_sync_that_was_purged_meanwhile_without_its_refs) {
  life->add_target(receiver.url(), {"sync.completed"});
  receiver.answer_with({{.status = 500}});
  record(completed(started(queued("a"))));
  settle();
  EXPECT_EQ(life->store.purge(at(24h), 10), 1u);
  clock.shift += 10s;
  settle();
  ASSERT_EQ(receiver.count(), 2u);
  const auto sync = sync_from_json(json::parse(receiver.requests()[1].body)["data"]["sync"]);
  EXPECT_EQ(sync.status, SyncStatus::completed);
  EXPECT_EQ(sync.finished_at, at(2s));
  EXPECT_TRUE(sync.refs->empty());
}

TEST_F(TheOutbox, gives_the_oldest_up_when_too_many_wait_for_a_target) {
  life->add_target(receiver.url(), {"sync.queued"});
  receiver.always(500);
  constexpr size_t too_many = 10'003;
  for (size_t i = 0; i < too_many; ++i) record(queued(std::to_string(i)));
  settle();
  EXPECT_EQ(told.pending, 10'000u);
  EXPECT_EQ(told.dead, 3u);
  EXPECT_EQ(told.abandoned, 3u);
  EXPECT_EQ(life->store.pending_deliveries().size(), 10'000u);
  EXPECT_EQ(life->store.dead_deliveries(), 3u);
  restart();
  settle();
  EXPECT_EQ(told.pending, 10'000u);
  EXPECT_EQ(told.dead, 3u);
}

TEST_F(TheOutbox, goes_on_after_a_crash_with_what_is_in_the_outbox) {
  life->add_target(receiver.url(), all_events);
  receiver.answer_with({{.status = 500}});
  record(queued("a"));
  record(queued("b"));
  settle();
  restart();
  settle();
  EXPECT_EQ(receiver.count(), 1u) << "the wait for the next try outlives the process";
  clock.shift += 10s;
  settle();
  EXPECT_THAT(receiver.told(), ElementsAre("sync.queued a", "sync.queued a", "sync.queued b"));
}

TEST_F(TheOutbox, sends_again_what_a_crash_left_without_a_receipt) {
  life->add_target(receiver.url(), all_events);
  record(queued("a"));
  life->turn_until([&] { return receiver.count() == 1; });
  ASSERT_EQ(life->store.pending_deliveries().size(), 1u) << "taken, but the receipt is not durable yet";
  restart();
  settle();
  EXPECT_THAT(receiver.told(), ElementsAre("sync.queued a", "sync.queued a"));
}

TEST_F(TheOutbox, writes_nothing_without_targets) {
  record(queued("a"));
  settle();
  EXPECT_THAT(life->store.pending_deliveries(), IsEmpty());
  EXPECT_TRUE(life->store.sync("a"));
}

}  // namespace
}  // namespace refsyncd
