// What syncs cost in the file: the promise that a sync which finds nothing writes one small row, whatever its
// refs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/raw_database.h"
#include "store/samples.h"
#include "store/sql_store.h"
#include "support/temporary_directory.h"

namespace refsyncd {
namespace {

struct RefStorageTest : testing::Test {
  TemporaryDirectory folder;
  std::filesystem::path file = folder / "state.db";
  std::optional<SqlStore> store{std::in_place, file};
  int written = 0;

  std::string ask(const std::string& query) { return run_sql(file, query); }
  std::string lists() { return ask("SELECT count(*) FROM ref_lists"); }
  /// Bytes of refs in the newest sync's own row.
  int row_bytes() {
    return std::stoi(ask("SELECT ifnull(length(ref_delta), 0) FROM syncs ORDER BY seq DESC LIMIT 1"));
  }
  /// Records a completed sync and checks that it reads back.
  void sync(const RefResults& refs, const std::string& repo = "app", Direction direction = Direction::pull) {
    ++written;
    auto sync = completed_sync(std::to_string(written), refs, milliseconds(written));
    sync.request.repo = repo;
    sync.request.direction = direction;
    store->write({.syncs = {sync}});
    EXPECT_EQ(*store->sync(sync.id)->refs, refs);
  }
  void reopen() {
    store.reset();
    store.emplace(file);
  }
};

RefResults many_created(size_t count) {
  auto refs = many_unchanged(count);
  for (auto& ref : refs) ref = created(ref.name, std::stoul(ref.after.hex(), nullptr, 16));
  return refs;
}

TEST_F(RefStorageTest, a_first_pull_writes_one_list_and_what_finds_nothing_writes_none) {
  sync(many_created(5000));
  EXPECT_EQ(lists(), "1");
  EXPECT_LT(row_bytes(), 10);
  for (int i = 0; i < 3; ++i) {
    sync(many_unchanged(5000));
    EXPECT_EQ(lists(), "1");
    EXPECT_EQ(row_bytes(), 0);
  }
}

TEST_F(RefStorageTest, a_no_op_sync_of_20000_refs_writes_a_few_pages) {
  sync(many_created(20000));
  reopen();  // an empty write-ahead log, which grows by what is written
  sync(many_unchanged(20000));
  const auto before = std::filesystem::file_size(file.string() + "-wal");
  sync(many_unchanged(20000));
  const auto bytes = std::filesystem::file_size(file.string() + "-wal") - before;
  EXPECT_GT(bytes, 0u);
  EXPECT_LE(bytes, 10 * 4200u);
  RecordProperty("wal_bytes_of_a_no_op_sync", static_cast<int>(bytes));
}

TEST_F(RefStorageTest, one_moved_ref_of_20000_costs_only_its_own_bytes) {
  auto refs = many_unchanged(20000);
  sync(refs);
  const auto name = refs[777].name;
  refs[777] = moved(name, 778, 5);
  sync(refs);
  EXPECT_EQ(lists(), "1");
  EXPECT_LT(row_bytes(), 100);
  refs[777] = unchanged(name, 5);
  sync(refs);
  EXPECT_EQ(lists(), "1");
  EXPECT_LT(row_bytes(), 50);
}

TEST_F(RefStorageTest, refs_that_stay_rejected_or_filtered_cost_nothing_again) {
  auto refs = many_unchanged(100);
  for (size_t i = 0; i < refs.size(); i += 2) refs[i] = rejected(refs[i].name, i + 1, i + 2, "protected");
  sync(refs);
  sync(refs);
  EXPECT_EQ(lists(), "1");
  EXPECT_EQ(row_bytes(), 0);
}

TEST_F(RefStorageTest, removed_and_new_refs_are_part_of_the_difference) {
  auto refs = many_unchanged(200);
  sync(refs);
  refs.erase(refs.begin() + 50, refs.begin() + 60);
  refs.push_back(created("refs/tags/v1", 9));
  sync(refs);
  EXPECT_EQ(lists(), "1");
}

TEST_F(RefStorageTest, a_restart_finds_the_list_again) {
  sync(many_created(300));
  sync({}, "lib");
  reopen();
  sync(many_unchanged(300));
  EXPECT_EQ(lists(), "2") << "one list a repository";
  EXPECT_EQ(row_bytes(), 0);
  auto refs = many_unchanged(300);
  refs[3] = moved(refs[3].name, 4, 9);
  reopen();
  sync(refs);
  EXPECT_EQ(lists(), "2");
}

TEST_F(RefStorageTest, equal_lists_of_different_repositories_are_one) {
  sync(many_unchanged(100), "app");
  sync(many_unchanged(100), "fork");
  sync(many_unchanged(100), "app", Direction::push);
  EXPECT_EQ(lists(), "1");
}

TEST_F(RefStorageTest, more_than_an_eighth_of_differences_makes_a_new_list) {
  auto refs = many_unchanged(800);
  sync(refs);
  for (size_t i = 0; i < 100; ++i) refs[i] = moved(refs[i].name, i + 1, i + 5000);
  sync(refs);
  EXPECT_EQ(lists(), "1");
  refs[100] = moved(refs[100].name, 101, 9000);
  sync(refs);
  EXPECT_EQ(lists(), "2");
}

TEST_F(RefStorageTest, differences_that_repeat_are_written_into_a_list_once_they_cost_as_much) {
  auto refs = many_unchanged(400);
  sync(refs);
  for (size_t i = 0; i < 40; ++i) refs[i] = unchanged(refs[i].name, i + 5000);
  int times = 0;
  while (lists() == "1" && times < 100) {
    sync(refs);
    ++times;
  }
  EXPECT_EQ(lists(), "2");
  EXPECT_GT(times, 5);
  EXPECT_LT(times, 20);
  EXPECT_EQ(row_bytes(), 0);
}

TEST_F(RefStorageTest, unsorted_results_are_stored_whole_and_once) {
  const RefResults refs = {unchanged("b", 1), created("a", 2), unchanged("b", 1)};
  sync(refs);
  sync(refs);
  reopen();
  sync(refs);
  EXPECT_EQ(lists(), "1");
  EXPECT_EQ(row_bytes(), 0);
}

TEST_F(RefStorageTest, purge_removes_a_list_with_its_last_sync_and_later_syncs_write_it_again) {
  sync(many_unchanged(50));
  sync(many_unchanged(50));
  EXPECT_EQ(store->purge(at(1h), 1), 1u);
  EXPECT_EQ(lists(), "1");
  EXPECT_EQ(store->purge(at(1h), 1), 1u);
  EXPECT_EQ(lists(), "0");
  sync(many_unchanged(50));
  EXPECT_EQ(lists(), "1");
}

TEST_F(RefStorageTest, a_sync_recorded_again_with_other_refs_leaves_no_list_behind) {
  RefResults others;
  for (size_t i = 100; i < 150; ++i) others.push_back(unchanged(fmt::format("refs/heads/other/{}", i), i));
  store->write({.syncs = {completed_sync("s", many_unchanged(50))}});
  store->write({.syncs = {completed_sync("s", others)}});
  EXPECT_EQ(*store->sync("s")->refs, others);
  EXPECT_EQ(lists(), "1");
  sync(many_unchanged(50));
  EXPECT_EQ(lists(), "2");
}

TEST_F(RefStorageTest, a_page_of_equal_results_shares_one_list_in_memory) {
  for (int i = 0; i < 3; ++i) sync(many_unchanged(100));
  const auto page = store->syncs({});
  EXPECT_EQ(page[0].refs, page[1].refs);
  EXPECT_EQ(page[1].refs, page[2].refs);
}

}  // namespace
}  // namespace refsyncd
