#include "store/database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/file.h"
#include "base/text.h"
#include "store/raw_database.h"
#include "store/samples.h"
#include "store/schema.h"
#include "store/sql_store.h"
#include "support/temporary_directory.h"

namespace refsyncd {
namespace {

using testing::HasSubstr;

struct DatabaseTest : testing::Test {
  TemporaryDirectory folder;
  std::filesystem::path file = folder / "state.db";

  void write_bytes(const std::filesystem::path& path, std::streamoff offset, const std::string& bytes) {
    std::fstream out(path, std::ios::in | std::ios::out | std::ios::binary);
    if (!out) out.open(path, std::ios::out | std::ios::binary);
    out.seekp(offset);
    out << bytes;
  }
  void fill() {
    SqlStore store(file);
    store.write({.syncs = {completed_sync("s", many_unchanged(2000))}});
  }
  /// Damages the first page of each table and index; the schema stays readable.
  void damage() {
    const auto pages = run_sql(file, "SELECT rootpage FROM sqlite_master");
    for (const auto page : split(pages, ' ')) {
      write_bytes(file, (std::stoll(std::string(page)) - 1) * 4096, std::string(4096, '\xA5'));
    }
  }
  Error opening() {
    try {
      const SqlStore store(file);
    } catch (const Error& error) {
      return error;
    }
    return {ErrorKind::internal, "opened well"};
  }
};

TEST_F(DatabaseTest, the_schema_has_its_version) {
  fill();
  EXPECT_EQ(run_sql(file, "PRAGMA user_version"), std::to_string(schema_version));
  EXPECT_EQ(run_sql(file, "PRAGMA journal_mode"), "wal");
}

TEST_F(DatabaseTest, a_newer_schema_is_refused_and_nothing_touched) {
  fill();
  run_sql(file, "PRAGMA user_version = 99");
  const auto before = read_file(file);
  const auto error = opening();
  EXPECT_EQ(error.kind(), ErrorKind::bad_config);
  EXPECT_THAT(error.what(), HasSubstr("was written by a newer refsyncd (schema 99, this one knows " +
                                      std::to_string(schema_version) + ")"));
  EXPECT_EQ(read_file(file), before);
}

TEST_F(DatabaseTest, something_else_is_refused_with_a_remedy) {
  write_bytes(file, 0, std::string(10000, 'x'));
  const auto error = opening();
  EXPECT_EQ(error.kind(), ErrorKind::bad_config);
  EXPECT_THAT(error.what(),
              HasSubstr("is not a state file of refsyncd; put a backup in its place, or move it away"));
  EXPECT_EQ(read_file(file), std::string(10000, 'x'));
}

TEST_F(DatabaseTest, another_programs_database_is_refused) {
  run_sql(file, "CREATE TABLE bookmarks (url TEXT)");
  const auto error = opening();
  EXPECT_EQ(error.kind(), ErrorKind::bad_config);
  EXPECT_THAT(error.what(), HasSubstr("is another program's database"));
  EXPECT_EQ(run_sql(file, "SELECT group_concat(name) FROM sqlite_master"), "bookmarks");
}

TEST_F(DatabaseTest, damage_is_found_at_the_start_after_an_unclean_end) {
  fill();
  damage();
  write_bytes(file.string() + "-wal", 0, "left behind");
  const auto error = opening();
  EXPECT_EQ(error.kind(), ErrorKind::bad_config);
  EXPECT_THAT(error.what(), HasSubstr("is damaged"));
  EXPECT_THAT(error.what(), HasSubstr("put a backup in its place, or move it away and start again"));
}

TEST_F(DatabaseTest, damage_found_later_is_an_error_and_nothing_worse) {
  fill();
  damage();
  SqlStore store(file);
  EXPECT_THROW(store.syncs({}), Error);
  EXPECT_THROW(store.write({.syncs = {queued_sync("t")}}), Error);
}

TEST_F(DatabaseTest, a_damaged_ref_list_costs_its_own_syncs_and_no_later_one) {
  fill();
  run_sql(file, "UPDATE ref_lists SET content = x'05FF'");
  SqlStore store(file);
  EXPECT_THROW(store.sync("s"), Error);
  store.write({.syncs = {completed_sync("t", many_unchanged(2000))}});
  EXPECT_EQ(*store.sync("t")->refs, many_unchanged(2000));
}

TEST_F(DatabaseTest, an_interrupted_first_start_is_no_obstacle) {
  write_bytes(file, 0, "");
  EXPECT_STREQ(opening().what(), "opened well");
}

TEST_F(DatabaseTest, a_file_others_could_read_becomes_private) {
  fill();
  std::filesystem::permissions(file, std::filesystem::perms(0644));
  fill();
  EXPECT_EQ(std::filesystem::status(file).permissions(), std::filesystem::perms(0600));
}

TEST_F(DatabaseTest, a_missing_folder_is_named) {
  file = folder / "missing" / "state.db";
  const auto error = opening();
  EXPECT_EQ(error.kind(), ErrorKind::bad_config);
  EXPECT_EQ(error.what(), fmt::format("opening {}: No such file or directory", file.string()));
}

TEST_F(DatabaseTest, unusual_paths_work) {
  for (const std::string name : {"with space", "two  spaces = and equals", "umläut'", "dbname=x timeout=1"}) {
    std::filesystem::create_directory(folder / name);
    file = folder / name / "state.db";
    fill();
    EXPECT_TRUE(std::filesystem::exists(file)) << name;
  }
  file = folder / "with\"quote.db";
  EXPECT_THAT(opening().what(), HasSubstr("must not hold a double quote"));
}

}  // namespace
}  // namespace refsyncd
