#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <future>
#include <thread>
#include <utility>

#include "base/error.h"
#include "git/ref_target.h"

namespace refsyncd {
namespace {

using testing::IsEmpty;

/// Few updates are made without git. Whatever git would have made of them must come out.
class RefRaceTest : public RefTarget {
 protected:
  RefRaceTest() { set_ref(path, "refs/heads/main", first); }

  bool any_lock() const {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path / "refs")) {
      if (entry.path().extension() == ".lock") return true;
    }
    return false;
  }
};

TEST_F(RefRaceTest, WritesWhatGitWrites) {
  EXPECT_THAT(update({{"refs/heads/main", second, first}, {"refs/heads/deep/er/new", first, absent}}),
              IsEmpty());
  EXPECT_EQ(read_file(path / "refs/heads/main"), second.hex() + "\n");
  EXPECT_EQ(plain_git(path, {"rev-parse", "refs/heads/deep/er/new"}), first.hex());
  plain_git(path, {"fsck", "--strict"});
  EXPECT_FALSE(any_lock());
}

TEST_F(RefRaceTest, MovesARefThatIsPacked) {
  plain_git(path, {"pack-refs", "--all"});
  EXPECT_THAT(update({{"refs/heads/main", second, first}}), IsEmpty());
  EXPECT_EQ(value("refs/heads/main"), second);
  EXPECT_EQ(update_telling({{"refs/heads/main", first, absent}}),
            (std::vector<RefLeftAlone>{{"refs/heads/main", ""}}));
  EXPECT_EQ(value("refs/heads/main"), second);
}

TEST_F(RefRaceTest, ANewRefMustNotBeInTheWayOfPackedOnes) {
  set_ref(path, "refs/heads/a/b", first);
  plain_git(path, {"pack-refs", "--all"});
  std::filesystem::remove_all(path / "refs/heads/a");
  const auto left = update_telling({{"refs/heads/a", second, absent},
                                    {"refs/heads/a/b/c", second, absent},
                                    {"refs/heads/good", second, absent}});
  ASSERT_EQ(left.size(), 2U);
  for (const auto& ref : left) EXPECT_THAT(ref.obstacle, testing::HasSubstr("cannot lock ref")) << ref.name;
  EXPECT_EQ(value("refs/heads/good"), second);
  EXPECT_EQ(value("refs/heads/a/b"), first);
}

TEST_F(RefRaceTest, ANewRefMayTakeThePlaceOfEmptyDirectories) {
  std::filesystem::create_directories(path / "refs/heads/a/b/c");
  EXPECT_THAT(update({{"refs/heads/a", second, absent}}), IsEmpty());
  EXPECT_EQ(value("refs/heads/a"), second);
}

TEST_F(RefRaceTest, ABranchNamesCommitsOnly) {
  const auto blob = *ObjectId::from_hex(plain_git(path, {"hash-object", "-w", "--stdin"}, "x"));
  EXPECT_EQ(update({{"refs/heads/blob", blob, absent}, {"refs/heads/new", second, absent}}).size(), 1U);
  EXPECT_EQ(value("refs/heads/blob"), absent);
  EXPECT_THAT(update({{"refs/tags/blob", blob, absent}}), IsEmpty());
  EXPECT_EQ(value("refs/tags/blob"), blob);
}

TEST_F(RefRaceTest, AReflogIsWrittenWhenTheRepositoryKeepsOne) {
  plain_git(path, {"config", "core.logAllRefUpdates", "true"});
  EXPECT_THAT(update({{"refs/heads/main", second, first}}), IsEmpty());
  EXPECT_THAT(plain_git(path, {"reflog", "show", "refs/heads/main"}),
              testing::HasSubstr(second.hex().substr(0, 7)));
  plain_git(path, {"config", "--unset", "core.logAllRefUpdates"});
  EXPECT_THAT(update({{"refs/heads/main", first, second}}), IsEmpty());
  EXPECT_THAT(plain_git(path, {"reflog", "show", "refs/heads/main"}),
              testing::HasSubstr(first.hex().substr(0, 7)));
}

TEST_F(RefRaceTest, ASharedRepositoryKeepsItsPermissions) {
  plain_git(path, {"config", "core.sharedRepository", "0664"});
  EXPECT_THAT(update({{"refs/heads/new", second, absent}}), IsEmpty());
  const auto mode = std::filesystem::status(path / "refs/heads/new").permissions();
  EXPECT_EQ(mode & std::filesystem::perms::group_write, std::filesystem::perms::group_write);
}

TEST_F(RefRaceTest, ALockThatIsSoonReleasedIsWaitedFor) {
  wait_long_for_locks();
  std::ofstream(path / "refs/heads/main.lock").flush();
  std::jthread holder([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    std::filesystem::remove(path / "refs/heads/main.lock");
  });
  EXPECT_THAT(update({{"refs/heads/main", second, first}}), IsEmpty());
  EXPECT_EQ(value("refs/heads/main"), second);
}

/// Both sides move one branch at the same time, from the value it has to one of their own.
TEST_F(RefRaceTest, AgainstGitExactlyOneSideWinsEachMove) {
  wait_long_for_locks();
  constexpr size_t moves = 60;
  const std::array ours{commit(path, "our 0"), commit(path, "our 1")};
  const std::array theirs{commit(path, "their 0"), commit(path, "their 1")};
  auto now = first;
  int our_wins = 0;
  for (size_t move = 0; move < moves; ++move) {
    const auto wanted = ours.at(move % 2);
    if (move % 4 == 3) plain_git(path, {"pack-refs", "--all"});
    auto other = std::async(std::launch::async, [&, held = now] {
      try {
        plain_git(path, {"update-ref", "refs/heads/main", theirs.at(move % 2).hex(), held.hex()});
        return true;
      } catch (const std::runtime_error&) {
        return false;
      }
    });
    // Sometimes so late that git, which takes its time to start, meets us half way.
    std::this_thread::sleep_for(std::chrono::microseconds(move % 10 * 400));
    const bool we_won = update({{"refs/heads/main", wanted, now}}).empty();
    const bool they_won = other.get();
    const auto before = std::exchange(now, value("refs/heads/main"));
    EXPECT_NE(we_won, they_won) << "move " << move;
    EXPECT_EQ(now, we_won ? wanted : theirs.at(move % 2)) << "move " << move;
    EXPECT_NE(now, before);
    our_wins += we_won ? 1 : 0;
  }
  EXPECT_GT(our_wins, 0);
  EXPECT_FALSE(any_lock());
}

}  // namespace
}  // namespace refsyncd
