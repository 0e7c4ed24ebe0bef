#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "store/raw_database.h"
#include "store/samples.h"
#include "store/sql_store.h"
#include "support/temporary_directory.h"

namespace refsyncd {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

WebhookTarget target(const std::string& id, milliseconds age = 0ms) {
  WebhookTarget target;
  target.id = id;
  target.url = "https://example.org/" + id;
  target.events = {"sync.queued", "sync.failed"};
  target.created_at = at(age);
  target.updated_at = at(age + 5ms);
  return target;
}

Delivery delivery(const std::string& id, const std::string& target_id = "t") {
  Delivery delivery;
  delivery.id = id;
  delivery.target_id = target_id;
  delivery.repo_id = "repo-1";
  delivery.event = "sync.queued";
  delivery.payload = std::make_shared<const std::string>("{\"text\":\"it's " + id + "\"}");
  delivery.occurred_at = at(7ms);
  return delivery;
}

PendingDelivery pending(const std::string& id, const std::string& target_id = "t") {
  return {.id = id, .target_id = target_id, .repo_id = "repo-1"};
}

struct WebhookStorage : testing::Test {
  TemporaryDirectory folder;
  std::filesystem::path file = folder / "state.db";
  std::optional<SqlStore> store{std::in_place, file};

  void write(std::vector<WebhookChange> changes) { store->write({.webhooks = std::move(changes)}); }
  void reopen() {
    store.reset();
    store.emplace(file);
  }
};

TEST_F(WebhookStorage, targets_keep_every_field_and_a_later_record_replaces) {
  auto full = target("a", 2ms);
  full.name = "chat, and more";
  full.repo_ids = {"repo-1", "repo-2"};
  const auto plain = target("b", 1ms);
  write({full, plain});
  reopen();
  EXPECT_THAT(store->webhook_targets(), ElementsAre(plain, full));
  full.name.reset();
  full.repo_ids.reset();
  write({full});
  EXPECT_THAT(store->webhook_targets(), ElementsAre(plain, full));
}

TEST_F(WebhookStorage, a_filter_that_names_no_repository_is_not_the_same_as_none) {
  auto nothing = target("a");
  nothing.repo_ids.emplace();
  write({nothing});
  reopen();
  EXPECT_THAT(store->webhook_targets(), ElementsAre(nothing));
}

TEST_F(WebhookStorage, deliveries_keep_every_field) {
  auto sent = delivery("d");
  sent.attempts = 3;
  sent.next_try = at(90s);
  sent.dead_since = at(91s);
  write({sent});
  reopen();
  const auto found = store->delivery("d");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->target_id, "t");
  EXPECT_EQ(found->repo_id, "repo-1");
  EXPECT_EQ(found->event, "sync.queued");
  EXPECT_EQ(*found->payload, *sent.payload);
  EXPECT_EQ(found->occurred_at, sent.occurred_at);
  EXPECT_EQ(found->attempts, 3);
  EXPECT_EQ(found->next_try, sent.next_try);
  EXPECT_EQ(found->dead_since, sent.dead_since);
  EXPECT_FALSE(store->delivery("other"));
}

TEST_F(WebhookStorage, pending_deliveries_stand_in_the_order_of_their_first_record) {
  write({delivery("b"), delivery("a")});
  write({delivery("c", "u")});
  auto again = delivery("b");
  again.attempts = 1;
  write({again});
  EXPECT_THAT(store->pending_deliveries(), ElementsAre(pending("b"), pending("a"), pending("c", "u")));
  write({Delivered{"a"}});
  reopen();
  EXPECT_THAT(store->pending_deliveries(), ElementsAre(pending("b"), pending("c", "u")));
  EXPECT_EQ(store->delivery("b")->attempts, 1);
}

TEST_F(WebhookStorage, a_removed_target_takes_its_deliveries_along) {
  write({target("t"), target("u"), delivery("a"), delivery("b", "u")});
  write({RemovedTarget{"t"}});
  EXPECT_THAT(store->webhook_targets(), ElementsAre(target("u")));
  EXPECT_THAT(store->pending_deliveries(), ElementsAre(pending("b", "u")));
  EXPECT_FALSE(store->delivery("a"));
}

TEST_F(WebhookStorage, dead_deliveries_are_not_pending_and_go_with_the_retention) {
  auto old = delivery("old");
  old.dead_since = at(1h);
  auto recent = delivery("recent");
  recent.dead_since = at(2h);
  write({old, recent, delivery("alive")});
  EXPECT_EQ(store->dead_deliveries(), 2u);
  EXPECT_THAT(store->pending_deliveries(), ElementsAre(pending("alive")));
  EXPECT_EQ(store->purge_deliveries(at(2h)), 1u);
  EXPECT_EQ(store->dead_deliveries(), 1u);
  EXPECT_TRUE(store->delivery("recent"));
  EXPECT_TRUE(store->delivery("alive"));
}

TEST_F(WebhookStorage, a_delivery_finds_the_refs_of_its_sync_as_long_as_they_are_there) {
  auto told = delivery("d");
  told.refs_of = "s";
  const auto sync = completed_sync("s", many_unchanged(3));
  store->write({.syncs = {sync}, .webhooks = {told, delivery("plain")}});
  reopen();
  ASSERT_TRUE(store->delivery("d")->refs);
  EXPECT_EQ(*store->delivery("d")->refs, *sync.refs);
  EXPECT_FALSE(store->delivery("plain")->refs);
  run_sql(file, "UPDATE ref_lists SET content = x'00ff'");
  EXPECT_FALSE(store->delivery("d")->refs) << "damaged";
  EXPECT_EQ(store->purge(at(1h), 10), 1u);
  EXPECT_EQ(store->delivery("d")->refs_of, "s");
  EXPECT_FALSE(store->delivery("d")->refs);
}

TEST_F(WebhookStorage, an_abandoned_delivery_is_dead) {
  write({delivery("a"), delivery("b")});
  write({Abandoned{.id = "a", .at = at(1h)}});
  EXPECT_THAT(store->pending_deliveries(), ElementsAre(pending("b")));
  EXPECT_EQ(store->delivery("a")->dead_since, at(1h));
}

TEST_F(WebhookStorage, of_the_dead_deliveries_of_a_target_the_last_ten_thousand_are_kept) {
  auto other = delivery("other", "u");
  other.dead_since = at(1h);
  write({other});
  run_sql(file,
          "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10002) INSERT INTO "
          "deliveries (id, target_id, repo_id, event, payload, occurred_at, attempts, next_try, dead_since) "
          "SELECT 'd' || i, 't', 'repo-1', 'sync.queued', '{}', 0, 0, 0, 4000000000000 FROM n");
  EXPECT_EQ(store->purge_deliveries(at(0ms)), 2u);
  EXPECT_FALSE(store->delivery("d2"));
  EXPECT_TRUE(store->delivery("d3"));
  EXPECT_EQ(store->dead_deliveries(), 10'001u);
}

TEST_F(WebhookStorage, deliveries_from_before_refs_were_left_out_are_whole) {
  write({delivery("d")});
  store.reset();
  run_sql(file, "ALTER TABLE deliveries DROP COLUMN refs_of; PRAGMA user_version = 5");
  store.emplace(file);
  EXPECT_THAT(store->pending_deliveries(), ElementsAre(pending("d")));
  EXPECT_EQ(*store->delivery("d")->payload, *delivery("d").payload);
  EXPECT_EQ(store->delivery("d")->refs_of, "");
}

TEST_F(WebhookStorage, an_event_is_written_together_with_its_sync_or_not_at_all) {
  store->write({.syncs = {queued_sync("s")}, .webhooks = {delivery("d")}});
  run_sql(file, "CREATE TRIGGER full BEFORE INSERT ON deliveries BEGIN SELECT RAISE(ABORT, 'full'); END");
  EXPECT_THROW(store->write({.syncs = {queued_sync("s2")}, .webhooks = {delivery("d2")}}), Error);
  EXPECT_TRUE(store->sync("s"));
  EXPECT_FALSE(store->sync("s2"));
  EXPECT_THAT(store->pending_deliveries(), ElementsAre(pending("d")));
}

TEST_F(WebhookStorage, a_state_file_from_before_webhooks_gets_their_tables) {
  store->write({.syncs = {queued_sync("s")}});
  store.reset();
  run_sql(
      file,
      "DROP TABLE deliveries; DROP TABLE webhook_targets; ALTER TABLE policy_states DROP COLUMN last_change; "
      "PRAGMA user_version = 2");
  store.emplace(file);
  EXPECT_TRUE(store->sync("s"));
  EXPECT_THAT(store->webhook_targets(), IsEmpty());
  write({target("t"), delivery("d")});
  EXPECT_THAT(store->pending_deliveries(), ElementsAre(pending("d")));
}

}  // namespace
}  // namespace refsyncd
