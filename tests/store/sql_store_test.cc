#include "store/sql_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <thread>

#include "store/raw_database.h"
#include "store/samples.h"
#include "support/temporary_directory.h"

namespace refsyncd {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> ids(const std::vector<Sync>& syncs) {
  std::vector<std::string> ids;
  for (const auto& sync : syncs) ids.push_back(sync.id);
  return ids;
}

void expect_equal(const Sync& a, const Sync& b) {
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.repo_id, b.repo_id);
  EXPECT_EQ(a.request, b.request);
  EXPECT_EQ(a.status, b.status);
  EXPECT_EQ(a.attempt, b.attempt);
  EXPECT_EQ(a.failure, b.failure);
  EXPECT_EQ(a.created_at, b.created_at);
  EXPECT_EQ(a.started_at, b.started_at);
  EXPECT_EQ(a.finished_at, b.finished_at);
  ASSERT_EQ(a.refs == nullptr, b.refs == nullptr);
  if (a.refs) {
    EXPECT_EQ(*a.refs, *b.refs);
  }
}

struct SqlStoreTest : testing::Test {
  TemporaryDirectory folder;
  std::filesystem::path file = folder / "state.db";
  std::optional<SqlStore> store{std::in_place, file};

  /// Through a connection of our own, as an operator might.
  std::string sqlite(const std::string& statement) { return run_sql(file, statement); }
  void reopen() {
    store.reset();
    store.emplace(file);
  }
};

TEST_F(SqlStoreTest, a_new_store_is_empty) {
  EXPECT_THAT(store->repositories(), IsEmpty());
  EXPECT_THAT(store->policy_states(), IsEmpty());
  EXPECT_THAT(store->unfinished_syncs(), IsEmpty());
  EXPECT_THAT(store->syncs({}), IsEmpty());
  EXPECT_EQ(store->sync("x"), std::nullopt);
  EXPECT_EQ(store->purge(at(0ms), 10), 0u);
}

TEST_F(SqlStoreTest, the_file_is_private) {
  using std::filesystem::perms;
  EXPECT_EQ(std::filesystem::status(file).permissions(), perms::owner_read | perms::owner_write);
  EXPECT_EQ(std::filesystem::status(file.string() + "-wal").permissions(),
            perms::owner_read | perms::owner_write);
}

TEST_F(SqlStoreTest, repositories_survive_and_a_later_record_replaces) {
  const RepositoryRecord app{.id = "1", .org = "local", .name = "app", .created_at = at(5ms)};
  const RepositoryRecord lib{.id = "2", .org = "local", .name = "lib", .created_at = at(6ms)};
  const RepositoryRecord renewed{.id = "3", .org = "local", .name = "app", .created_at = at(7ms)};
  store->write({.repositories = {lib, app}});
  reopen();
  EXPECT_THAT(store->repositories(), ElementsAre(app, lib));
  store->write({.repositories = {renewed}});
  EXPECT_THAT(store->repositories(), ElementsAre(renewed, lib));
}

TEST_F(SqlStoreTest, policy_states_keep_every_field) {
  PolicyState full;
  full.policy = "app-pull";
  full.phase = RunPhase::backing_off;
  full.trigger = Priority::manual;
  full.attempt = 3;
  full.sync_id = "s";
  full.retry_at = at(1ms);
  full.last_due = at(2ms);
  full.last_attempt = at(3ms);
  full.last_success = at(-4ms);
  full.last_change = at(-6ms);
  full.not_before = at(5ms);
  full.consecutive_failures = 7;
  full.last_failure = Failure{ErrorKind::throttled, "slow down, 'please'", 90s};
  full.last_counts = {.updated = 1, .unchanged = 2, .filtered = 3, .rejected = 4};
  PolicyState plain;
  plain.policy = "lib-push";
  store->write({.policies = {plain, full}});
  reopen();
  EXPECT_THAT(store->policy_states(), ElementsAre(full, plain));

  full.last_failure.reset();
  full.last_due.reset();
  store->write({.policies = {full}});
  EXPECT_THAT(store->policy_states(), ElementsAre(full, plain));

  store->forget_policies({"lib-push", "unknown"});
  reopen();
  EXPECT_THAT(store->policy_states(), ElementsAre(full));
}

TEST_F(SqlStoreTest, syncs_keep_every_field) {
  auto sync =
      completed_sync("s", {unchanged("refs/heads/main", 1), rejected("refs/heads/x\xFF", 2, 3, "no")});
  sync.request.direction = Direction::push;
  sync.request.globs = {.branches = {"main", "release/*"}, .tags = {}};
  sync.request.exclude = {.branches = {}, .tags = {"v0.*"}};
  sync.request.force = true;
  sync.request.prune = true;
  sync.request.timeout = 90s;
  sync.request.priority = Priority::retry;
  sync.request.policy = "app-push";
  sync.status = SyncStatus::failed;
  sync.attempt = 4;
  sync.failure = Failure{ErrorKind::auth, "refused", std::nullopt};
  store->write({.syncs = {sync}});
  reopen();
  const auto found = store->sync("s");
  ASSERT_TRUE(found);
  expect_equal(*found, sync);
}

TEST_F(SqlStoreTest, a_sync_goes_through_its_life) {
  auto sync = queued_sync("s");
  store->write({.syncs = {sync}});
  expect_equal(*store->sync("s"), sync);
  EXPECT_THAT(ids(store->unfinished_syncs()), ElementsAre("s"));
  sync.status = SyncStatus::in_progress;
  sync.started_at = at(10ms);
  sync.attempt = 2;
  store->write({.syncs = {sync}});
  expect_equal(*store->sync("s"), sync);
  EXPECT_THAT(ids(store->unfinished_syncs()), ElementsAre("s"));
  sync.status = SyncStatus::completed;
  sync.finished_at = at(20ms);
  sync.refs = std::make_shared<const RefResults>();
  store->write({.syncs = {sync}});
  expect_equal(*store->sync("s"), sync);
  EXPECT_THAT(store->unfinished_syncs(), IsEmpty());
  EXPECT_EQ(store->syncs({}).size(), 1u);
}

TEST_F(SqlStoreTest, history_is_newest_first_and_pages) {
  auto other = queued_sync("other", 35ms);
  other.request.repo = "lib";
  store->write({.syncs = {queued_sync("c", 30ms), queued_sync("a", 10ms), queued_sync("d", 40ms), other}});
  store->write({.syncs = {queued_sync("b", 20ms)}});  // recorded late: its creation counts
  EXPECT_THAT(ids(store->syncs({})), ElementsAre("d", "other", "c", "b", "a"));
  EXPECT_THAT(ids(store->syncs({.limit = 2})), ElementsAre("d", "other"));
  EXPECT_THAT(ids(store->syncs({.before_id = "other", .limit = 2})), ElementsAre("c", "b"));
  EXPECT_THAT(ids(store->syncs({.repo = "app"})), ElementsAre("d", "c", "b", "a"));
  EXPECT_THAT(ids(store->syncs({.repo = "app", .before_id = "c"})), ElementsAre("b", "a"));
  EXPECT_THAT(ids(store->syncs({.before_id = "a"})), IsEmpty());
  EXPECT_THAT(ids(store->syncs({.before_id = "unknown"})), IsEmpty());
  EXPECT_THAT(ids(store->syncs({.repo = "x' OR '1'='1"})), IsEmpty());
  EXPECT_THAT(ids(store->syncs({.limit = 0})), IsEmpty());
}

TEST_F(SqlStoreTest, paging_visits_each_sync_of_one_millisecond_once) {
  Changes changes;
  for (int i = 0; i < 50; ++i) changes.syncs.push_back(queued_sync(fmt::format("{:02}", i)));
  store->write(changes);
  std::vector<std::string> seen;
  SyncQuery query{.limit = 7};
  for (auto page = store->syncs(query); !page.empty(); page = store->syncs(query)) {
    for (const auto& sync : page) seen.push_back(sync.id);
    query.before_id = seen.back();
  }
  ASSERT_EQ(seen.size(), 50u);
  EXPECT_TRUE(std::ranges::is_sorted(seen, std::greater()));
}

TEST_F(SqlStoreTest, refs_are_left_out_on_request) {
  store->write({.syncs = {completed_sync("s", many_unchanged(3))}});
  EXPECT_EQ(store->syncs({.with_refs = false}).at(0).refs, nullptr);
  EXPECT_EQ(*store->syncs({}).at(0).refs, many_unchanged(3));
}

TEST_F(SqlStoreTest, unfinished_syncs_come_oldest_first) {
  auto running = queued_sync("b", 20ms);
  running.status = SyncStatus::in_progress;
  store->write(
      {.syncs = {queued_sync("c", 30ms), running, completed_sync("d", {}, 5ms), queued_sync("a", 10ms)}});
  reopen();
  EXPECT_THAT(ids(store->unfinished_syncs()), ElementsAre("a", "b", "c"));
}

TEST_F(SqlStoreTest, purge_takes_the_oldest_ended_syncs_in_steps) {
  auto running = queued_sync("running", 1ms);
  running.status = SyncStatus::in_progress;
  auto failed = completed_sync("failed", {}, 2ms);
  failed.status = SyncStatus::failed;
  failed.failure = Failure{ErrorKind::auth, "no", std::nullopt};
  failed.refs.reset();
  auto slow = completed_sync("slow", {}, 3ms);
  slow.finished_at = at(500ms);
  store->write({.syncs = {queued_sync("queued"), running, failed, slow, completed_sync("old", {}, 4ms),
                          completed_sync("new", {}, 100ms)}});
  EXPECT_EQ(store->purge(at(100ms), 1), 1u);
  EXPECT_THAT(ids(store->syncs({})), ElementsAre("new", "old", "slow", "running", "queued"));
  EXPECT_EQ(store->purge(at(100ms), 10), 1u);
  EXPECT_EQ(store->purge(at(100ms), 10), 0u);
  EXPECT_THAT(ids(store->syncs({})), ElementsAre("new", "slow", "running", "queued"));
}

TEST_F(SqlStoreTest, purge_spares_a_sync_that_a_policy_waits_for) {
  PolicyState state;
  state.policy = "p";
  state.phase = RunPhase::waiting;
  state.sync_id = "s";
  store->write({.syncs = {completed_sync("s", {})}, .policies = {state}});
  EXPECT_EQ(store->purge(at(1h), 10), 0u);
  state.phase = RunPhase::idle;
  store->write({.policies = {state}});
  EXPECT_EQ(store->purge(at(1h), 10), 1u);
}

TEST_F(SqlStoreTest, a_write_that_fails_writes_nothing_and_the_store_stays_usable) {
  store->write({.syncs = {completed_sync("before", many_unchanged(50))}});
  sqlite("CREATE TRIGGER sabotage BEFORE INSERT ON policy_states BEGIN SELECT raise(ABORT, 'sabotage'); END");
  PolicyState state;
  state.policy = "p";
  const Changes changes{.syncs = {completed_sync("s", many_unchanged(30), 1ms)}, .policies = {state}};
  try {
    store->write(changes);
    FAIL() << "was written";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::internal);
    EXPECT_THAT(error.what(), testing::StartsWith("writing to the state file: "));
  }
  EXPECT_THAT(ids(store->syncs({})), ElementsAre("before"));
  sqlite("DROP TRIGGER sabotage");
  store->write(changes);
  EXPECT_THAT(ids(store->syncs({})), ElementsAre("s", "before"));
  EXPECT_EQ(*store->sync("s")->refs, many_unchanged(30)) << "no list that was rolled back is referred to";
}

TEST_F(SqlStoreTest, many_threads_may_use_it_at_once) {
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        const auto id = fmt::format("{}-{}", t, i);
        store->write({.syncs = {completed_sync(id, many_unchanged(static_cast<size_t>(t) + 1))}});
        EXPECT_EQ(store->sync(id)->refs->size(), static_cast<size_t>(t) + 1);
        store->syncs({.limit = 3});
      }
    });
  }
  threads.clear();
  EXPECT_EQ(store->syncs({.limit = 1000}).size(), 100u);
}

}  // namespace
}  // namespace refsyncd
