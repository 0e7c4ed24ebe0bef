#include "store/sql_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
  store->write({.repositories = {lib, app}, .syncs = {}, .policies = {}});
  reopen();
  EXPECT_THAT(store->repositories(), ElementsAre(app, lib));
  store->write({.repositories = {renewed}, .syncs = {}, .policies = {}});
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
  full.not_before = at(5ms);
  full.consecutive_failures = 7;
  full.last_failure = Failure{ErrorKind::throttled, "slow down, 'please'", 90s};
  full.last_counts = {.updated = 1, .unchanged = 2, .filtered = 3, .rejected = 4};
  PolicyState plain;
  plain.policy = "lib-push";
  store->write({.repositories = {}, .syncs = {}, .policies = {plain, full}});
  reopen();
  EXPECT_THAT(store->policy_states(), ElementsAre(full, plain));

  full.last_failure.reset();
  full.last_due.reset();
  store->write({.repositories = {}, .syncs = {}, .policies = {full}});
  EXPECT_THAT(store->policy_states(), ElementsAre(full, plain));
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
  store->write({.repositories = {}, .syncs = {sync}, .policies = {}});
  reopen();
  const auto found = store->sync("s");
  ASSERT_TRUE(found);
  expect_equal(*found, sync);
}

TEST_F(SqlStoreTest, a_sync_goes_through_its_life) {
  auto sync = queued_sync("s");
  store->write({.repositories = {}, .syncs = {sync}, .policies = {}});
  expect_equal(*store->sync("s"), sync);
  EXPECT_THAT(ids(store->unfinished_syncs()), ElementsAre("s"));
  sync.status = SyncStatus::in_progress;
  sync.started_at = at(10ms);
  sync.attempt = 2;
  store->write({.repositories = {}, .syncs = {sync}, .policies = {}});
  expect_equal(*store->sync("s"), sync);
  EXPECT_THAT(ids(store->unfinished_syncs()), ElementsAre("s"));
  sync.status = SyncStatus::completed;
  sync.finished_at = at(20ms);
  sync.refs = std::make_shared<const RefResults>();
  store->write({.repositories = {}, .syncs = {sync}, .policies = {}});
  expect_equal(*store->sync("s"), sync);
  EXPECT_THAT(store->unfinished_syncs(), IsEmpty());
  EXPECT_EQ(store->syncs({}).size(), 1u);
}

}  // namespace
}  // namespace refsyncd
