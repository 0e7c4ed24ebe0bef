#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "store/raw_database.h"
#include "store/schema.h"
#include "store/sql_store.h"
#include "support/temporary_directory.h"

namespace refsyncd {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

const std::string app_id = "0190f5fe-7c00-7a00-8000-0000000000aa";

RepositoryRecord made(const std::string& id, const std::string& name) {
  return {.id = id,
          .org = "local",
          .name = name,
          .created_at = WallTime(milliseconds(5)),
          .definition = RepositoryDefinition{.default_bookmark = "trunk",
                                             .tags = {{"empty", ""}, {"team", "core=1"}},
                                             .upstream_url = "https://example.org/app",
                                             .auth = AuthKind::username_password,
                                             .username = "bot",
                                             .credential = "c1"}};
}

struct RepositoryStorage : testing::Test {
  TemporaryDirectory folder;
  std::filesystem::path file = folder / "state.db";
};

TEST_F(RepositoryStorage, keeps_what_the_api_said_and_not_for_others) {
  const RepositoryRecord plain{.id = "2", .org = "local", .name = "lib", .created_at = {}};
  SqlStore(file).write({.repositories = {plain, made("1", "app")}});
  EXPECT_THAT(SqlStore(file).repositories(), ElementsAre(made("1", "app"), plain));
}

TEST_F(RepositoryStorage, renames_removes_and_takes_a_name_again) {
  SqlStore store(file);
  store.write({.repositories = {made("1", "app")}});
  store.write({.repositories = {made("1", "old"), made("2", "app")}});
  EXPECT_THAT(store.repositories(), ElementsAre(made("2", "app"), made("1", "old")));
  auto gone = made("1", "old");
  gone.state = RepositoryState::gone;
  store.write({.repositories = {gone, made("3", "old")}});
  EXPECT_THAT(store.repositories(), ElementsAre(made("2", "app"), made("3", "old")));
}

TEST_F(RepositoryStorage, remembers_the_deleted_until_they_are_gone_while_others_have_their_name) {
  const auto in_state = [](const std::string& id, RepositoryState state) {
    auto record = made(id, "app");
    record.state = state;
    return record;
  };
  const auto first = in_state("1", RepositoryState::deleted);
  const auto second = in_state("2", RepositoryState::deleted);
  SqlStore(file).write(
      {.repositories = {made("1", "app"), first, made("2", "app"), second, made("3", "app")}});
  EXPECT_THAT(SqlStore(file).repositories(), UnorderedElementsAre(first, second, made("3", "app")));
  SqlStore(file).write({.repositories = {in_state("1", RepositoryState::gone)}});
  EXPECT_THAT(SqlStore(file).repositories(), UnorderedElementsAre(second, made("3", "app")));
}

TEST_F(RepositoryStorage, lists_the_syncs_of_an_id_whatever_the_name_was) {
  SqlStore store(file);
  Sync sync;
  for (const auto& [id, repo_id, name] : std::vector<std::array<std::string, 3>>{
           {"s1", "1", "app"}, {"s2", "1", "renamed"}, {"s3", "2", "app"}}) {
    sync.id = id;
    sync.repo_id = repo_id;
    sync.request.repo = name;
    sync.created_at += milliseconds(1);
    store.write({.syncs = {sync}});
  }
  const auto ids = [&](const SyncQuery& query) {
    std::vector<std::string> found;
    for (const auto& listed : store.syncs(query)) found.push_back(listed.id);
    return found;
  };
  EXPECT_THAT(ids({.repo_id = "1"}), ElementsAre("s2", "s1"));
  EXPECT_THAT(ids({.repo_id = "1", .before_id = "s2"}), ElementsAre("s1"));
  EXPECT_THAT(ids({.repo_id = "3"}), IsEmpty());
  std::vector<std::string> latest;
  for (const auto& newest : store.latest_syncs({"3", "1", "2"})) latest.push_back(newest.id);
  EXPECT_THAT(latest, ElementsAre("s2", "s3"));
}

TEST_F(RepositoryStorage, a_file_of_the_first_version_is_brought_up_to_date) {
  run_sql(file, read_file(REFSYNCD_TEST_DATA "/version_1.sql"));
  {
    SqlStore store(file);
    const RepositoryRecord app{
        .id = app_id, .org = "local", .name = "app", .created_at = WallTime(milliseconds(1767605400000))};
    EXPECT_THAT(store.repositories(), ElementsAre(app));
    EXPECT_EQ(store.syncs({.repo_id = app_id}).size(), 1u);
    ASSERT_EQ(store.policy_states().size(), 1u);
    EXPECT_EQ(store.policy_states()[0].last_change, std::nullopt);
    store.write({.repositories = {made("1", "made")}});
  }
  EXPECT_EQ(run_sql(file, "PRAGMA user_version"), std::to_string(schema_version));
  EXPECT_EQ(SqlStore(file).repositories().size(), 2u);
}

TEST_F(RepositoryStorage, a_file_from_before_deletions_were_remembered_keeps_what_the_api_made) {
  run_sql(file, read_file(REFSYNCD_TEST_DATA "/version_1.sql"));
  run_sql(file, read_file(REFSYNCD_TEST_DATA "/versions_2_to_4.sql"));
  SqlStore store(file);
  const auto all = store.repositories();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].id, app_id);
  EXPECT_EQ(all[0].definition, std::nullopt);
  EXPECT_EQ(all[1], made("1", "made"));
  auto deleted = made("1", "made");
  deleted.state = RepositoryState::deleted;
  store.write({.repositories = {deleted, made("2", "made")}});
  EXPECT_EQ(store.repositories().size(), 3u);
}

TEST_F(RepositoryStorage, an_upgraded_file_has_the_schema_of_a_new_one) {
  run_sql(file, read_file(REFSYNCD_TEST_DATA "/version_1.sql"));
  { const SqlStore upgraded(file); }
  { const SqlStore fresh(folder / "fresh.db"); }
  const auto columns =
      "SELECT group_concat(m.name || '.' || c.name) FROM sqlite_master m, "
      "pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY m.name, c.cid";
  const auto indexes =
      "SELECT group_concat(name) FROM (SELECT name FROM sqlite_master WHERE type = 'index' "
      "ORDER BY name)";
  EXPECT_EQ(run_sql(file, columns), run_sql(folder / "fresh.db", columns));
  EXPECT_EQ(run_sql(file, indexes), run_sql(folder / "fresh.db", indexes));
}

}  // namespace
}  // namespace refsyncd
