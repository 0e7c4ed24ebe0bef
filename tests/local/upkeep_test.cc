#include "local/upkeep.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "git/real_git.h"
#include "local/backup.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;

const WallTime noon{std::chrono::sys_days{std::chrono::year{2026} / 1 / 5} + 12h};

struct NeedRow {
  const char* name;
  std::optional<milliseconds> since;
  size_t new_packs;
  bool changed;
  size_t leftovers;
  size_t expired;
  bool needed;
};

class NeedForMaintenance : public testing::TestWithParam<NeedRow> {};

TEST_P(NeedForMaintenance, follows_from_the_condition) {
  const auto& row = GetParam();
  Condition condition;
  condition.packs = 100;
  condition.new_packs = row.new_packs;
  condition.changed = row.changed;
  condition.leftovers = row.leftovers;
  if (row.since) condition.maintained = noon - *row.since;
  EXPECT_EQ(needs_maintenance(condition, row.expired, noon), row.needed);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, NeedForMaintenance,
    testing::Values(NeedRow{"new_and_empty", std::nullopt, 0, false, 0, 0, false},
                    NeedRow{"never_maintained", std::nullopt, 1, true, 0, 0, true},
                    NeedRow{"quiet_for_a_year", 24h * 365, 0, false, 0, 0, false},
                    NeedRow{"changed_just_under_a_day_ago", 24h - 1ms, 1, true, 0, 0, false},
                    NeedRow{"changed_and_a_day_ago", 24h, 1, true, 0, 0, true},
                    NeedRow{"quiet_but_with_leftovers", 24h, 0, false, 1, 0, true},
                    NeedRow{"quiet_but_with_expired_backups", 24h, 0, false, 0, 1, true},
                    NeedRow{"leftovers_can_wait_a_day", 23h, 0, false, 1, 1, false},
                    NeedRow{"twenty_packs_within_the_hour", 1h - 1ms, 20, true, 0, 0, false},
                    NeedRow{"twenty_packs_after_an_hour", 1h, 20, true, 0, 0, true},
                    NeedRow{"nineteen_packs_after_an_hour", 1h, 19, true, 0, 0, false},
                    NeedRow{"fifty_packs_within_ten_minutes", 10min - 1ms, 50, true, 0, 0, false},
                    NeedRow{"fifty_packs_after_ten_minutes", 10min, 50, true, 0, 0, true},
                    NeedRow{"maintained_in_the_future", -24h, 1, true, 0, 0, true}),
    [](const auto& row) { return std::string(row.param.name); });

class AnUpkeep : public RealGit {
 protected:
  /// One fetch that brought one commit.
  void bring_a_commit() {
    tip_ = commit(path_, "commit " + std::to_string(++commits_),
                  tip_.absent() ? std::vector<ObjectId>{} : std::vector{tip_});
    plain_git(
        path_, {"pack-objects", "-q", "objects/pack/pack"},
        plain_git(path_, {"rev-list", "--objects", "--no-object-names", "--no-walk", tip_.hex()}) + "\n");
    plain_git(path_, {"prune-packed", "-q"});
    set_ref(path_, "refs/heads/main", tip_);
  }
  std::optional<MaintenanceReport> run(std::stop_token stop = {}, WallTime now = SystemClock().now()) {
    return maintain(Repository::open(git, path_, false), {.now = now,
                                                          .backups_until = now - 24h * 30,
                                                          .ours = 0ms,
                                                          .deadline = std::chrono::steady_clock::now() + 5min,
                                                          .stop = std::move(stop)});
  }
  void make_older(const std::filesystem::path& file, milliseconds age) const {
    std::filesystem::last_write_time(file, std::filesystem::file_time_type::clock::now() - age);
  }
  void expect_good() const {
    EXPECT_EQ(plain_git(path_, {"fsck", "--full", "--strict", "--no-dangling"}), "");
  }

  std::filesystem::path path_ = make_bare("app.git");
  ObjectId tip_;
  int commits_ = 0;
};

TEST_F(AnUpkeep, leaves_the_scratch_repository_that_is_kept_for_the_next_sync) {
  bring_a_commit();
  const auto repository = Repository::open(git, path_, false);
  std::filesystem::path of_a_killed_sync;
  {
    const auto scratch = repository.scratch();
    of_a_killed_sync = scratch.path();
    EXPECT_EQ(examine(path_).leftovers, 1u);
  }
  EXPECT_FALSE(std::filesystem::exists(of_a_killed_sync));
  EXPECT_EQ(examine(path_).leftovers, 0u);
}

TEST_F(AnUpkeep, leaves_few_packs_of_many_while_others_read) {
  for (int i = 0; i < 60; ++i) bring_a_commit();
  std::atomic<bool> over = false;
  int clones = 0;
  std::jthread reader([&] {
    do {
      const auto copy = folder / ("copy-" + std::to_string(++clones));
      plain_git(folder.path(), {"clone", "-q", "--bare", "--no-local", path_.string(), copy.string()});
      EXPECT_EQ(plain_git(copy, {"rev-list", "--count", "main"}), "60");
    } while (!over);
  });
  const auto report = run();
  over = true;
  reader.join();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->result, MaintenanceResult::done) << report->problem;
  EXPECT_EQ(report->packs_before, 60u);
  EXPECT_LE(report->packs_after, 3u);
  EXPECT_EQ(examine(path_).packs, report->packs_after);
  EXPECT_GE(clones, 1);
  EXPECT_TRUE(std::filesystem::exists(path_ / "objects/info/commit-graphs/commit-graph-chain"));
  expect_good();
  EXPECT_EQ(plain_git(path_, {"rev-list", "--count", "main"}), "60");
}

TEST_F(AnUpkeep, is_not_repeated_until_something_has_changed_and_a_day_has_passed) {
  bring_a_commit();
  ASSERT_TRUE(run());
  const auto in_a_year = SystemClock().now() + 24h * 365;
  EXPECT_FALSE(run({}, in_a_year)) << "quiet";
  bring_a_commit();
  make_older(path_ / "objects/pack", -1s);  // the file system's clock is coarse
  EXPECT_FALSE(run({}, SystemClock().now() + 1h));
  EXPECT_TRUE(run({}, SystemClock().now() + 25h));
}

TEST_F(AnUpkeep, packs_refs_when_a_hundred_have_files) {
  bring_a_commit();
  for (int i = 0; i < 100; ++i) set_ref(path_, "refs/heads/b" + std::to_string(i), tip_);
  const auto before = refs(path_);
  const auto report = run();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->loose_refs_before, 101u);
  EXPECT_EQ(report->loose_refs_after, 0u);
  EXPECT_EQ(refs(path_), before);
}

TEST_F(AnUpkeep, keeps_objects_that_no_ref_names) {
  for (int i = 0; i < 12; ++i) bring_a_commit();
  const auto lost = tip_;
  const auto loose = commit(path_, "never named");
  set_ref(path_, "refs/heads/main", *ObjectId::from_hex(plain_git(path_, {"rev-parse", "main~5"})));
  ASSERT_TRUE(run());
  EXPECT_TRUE(ObjectReader(path_).contains(lost));
  EXPECT_TRUE(ObjectReader(path_).contains(loose));
}

TEST_F(AnUpkeep, removes_expired_backups_and_what_killed_processes_left) {
  bring_a_commit();
  const std::string expired = std::string(backup_prefix) + "01900000-0000-7000-8000-000000000000.1/heads/x";
  set_ref(path_, expired, tip_);
  std::ofstream(path_ / "objects/pack/tmp_pack_x") << "x";
  make_older(path_ / "objects/pack/tmp_pack_x", 7h);
  std::ofstream(path_ / "objects/pack/tmp_pack_young") << "x";
  const auto report = run();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->removed, 2u);
  EXPECT_FALSE(ObjectReader(path_).value_of(expired));
  EXPECT_FALSE(std::filesystem::exists(path_ / "objects/pack/tmp_pack_x"));
  EXPECT_TRUE(std::filesystem::exists(path_ / "objects/pack/tmp_pack_young")) << "somebody may be writing it";
  std::filesystem::remove(path_ / "objects/pack/tmp_pack_young");
}

TEST_F(AnUpkeep, that_is_stopped_is_begun_again) {
  for (int i = 0; i < 12; ++i) bring_a_commit();
  std::stop_source stop;
  stop.request_stop();
  const auto report = run(stop.get_token());
  ASSERT_TRUE(report);
  EXPECT_EQ(report->result, MaintenanceResult::interrupted);
  EXPECT_EQ(report->packs_after, 12u);
  const auto second = run();
  ASSERT_TRUE(second);
  EXPECT_LE(second->packs_after, 3u);
}

TEST_F(AnUpkeep, that_fails_says_so_and_waits_for_its_next_turn) {
  for (int i = 0; i < 12; ++i) bring_a_commit();
  std::ofstream(path_ / "packed-refs.lock").flush();
  for (int i = 0; i < 100; ++i) set_ref(path_, "refs/heads/b" + std::to_string(i), tip_);
  const auto report = run();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->result, MaintenanceResult::failed);
  EXPECT_NE(report->problem.find("packing the refs"), std::string::npos) << report->problem;
  EXPECT_LE(report->packs_after, 3u) << "the other steps are done";
  EXPECT_FALSE(run());
}

TEST_F(AnUpkeep, that_is_killed_leaves_a_good_repository) {
  for (int i = 0; i < 60; ++i) bring_a_commit();
  const auto killed_after = [&](std::chrono::microseconds delay) {
    auto command = git.command(path_, {"repack", "-d", "-n", "-q", "--geometric=2"}, {});
    command.arguments.insert(
        command.arguments.begin(),
        {"/usr/bin/timeout", "-s", "KILL", std::to_string(std::chrono::duration<double>(delay).count())});
    run_command(command);
  };
  for (const auto delay : {5ms, 15ms, 30ms}) {
    killed_after(delay);
    expect_good();
    EXPECT_EQ(plain_git(path_, {"rev-list", "--count", "main"}), "60");
  }
  // What it left is old by now, as after a night.
  for (const auto& entry : std::filesystem::directory_iterator(path_ / "objects/pack")) {
    if (entry.path().filename().string().find("tmp") != std::string::npos) make_older(entry.path(), 7h);
  }
  ASSERT_TRUE(run());
  EXPECT_EQ(examine(path_).leftovers, 0u);
  EXPECT_LE(examine(path_).packs, 3u);
  expect_good();
}

}  // namespace
}  // namespace refsyncd
