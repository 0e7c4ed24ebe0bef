#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "base/error.h"
#include "git/locked_refs.h"
#include "git/ref_files.h"
#include "git/ref_target.h"

namespace refsyncd {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int several = 40;

/// The first refs of a repository are written as a clone's are, all into packed-refs and without a lock each.
class FirstRefsTest : public RefTarget {
 protected:
  std::string branch(int number) const { return fmt::format("refs/heads/topic/{:02}", number); }
  std::vector<RefUpdate> creations() const {
    std::vector<RefUpdate> updates;
    for (int number = 0; number < several; ++number) updates.push_back({branch(number), first, absent});
    return updates;
  }
};

TEST_F(FirstRefsTest, AreAllPacked) {
  EXPECT_THAT(update(creations()), IsEmpty());
  EXPECT_EQ(read_refs(path).size(), several);
  EXPECT_FALSE(any_ref_files(path));
  EXPECT_FALSE(std::filesystem::exists(path / "refs/heads/topic")) << "no folder was made for a lock";
  plain_git(path, {"fsck", "--full", "--strict"});
}

TEST_F(FirstRefsTest, WhatGitRefusesIsLeftOut) {
  auto updates = creations();
  updates.push_back({"refs/heads/missing", *ObjectId::from_hex(std::string(40, '7')), absent});
  updates.push_back({"refs/heads/a", first, absent});
  updates.push_back({"refs/heads/a/b", first, absent});
  EXPECT_EQ(update(updates).size(), 2u);
  EXPECT_EQ(value("refs/heads/missing"), absent);
  EXPECT_NE(value("refs/heads/a").absent(), value("refs/heads/a/b").absent());
  EXPECT_EQ(value(branch(several - 1)), first);
}

TEST_F(FirstRefsTest, ALockThatIsThereIsRespected) {
  std::filesystem::create_directories(path / "refs/heads/topic");
  write_file(path / (branch(7) + ".lock"), "");
  EXPECT_THAT(update(creations()), ElementsAre(branch(7)));
  EXPECT_EQ(value(branch(6)), first);
}

/// Somebody else begins with the same refs, or with refs that cannot be beside them.
TEST_F(FirstRefsTest, AgainstGitExactlyOneSideMakesEachRef) {
  for (int round = 0; round < 10; ++round) {
    std::filesystem::remove_all(path / "refs");
    std::filesystem::create_directories(path / "refs/heads");
    std::filesystem::remove(path / "packed-refs");
    std::set<std::string> made_by_git;
    std::jthread other([&] {
      for (int number = 0; number < several; number += 5) {
        const auto name = round % 2 == 0 ? branch(number) : branch(number) + "/below";
        try {
          plain_git(path, {"update-ref", name, second.hex(), std::string(40, '0')});
          made_by_git.insert(branch(number));
        } catch (const std::runtime_error&) {
        }
      }
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(2 * round));
    const auto names = update(creations());
    const std::set<std::string> left(names.begin(), names.end());
    other.join();
    EXPECT_EQ(left, made_by_git) << "in round " << round;
    for (const auto& creation : creations())
      EXPECT_EQ(value(creation.name) == first, !left.contains(creation.name)) << creation.name;
    plain_git(path, {"fsck", "--strict"});
  }
}

}  // namespace
}  // namespace refsyncd
