#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/error.h"
#include "git/ref_target.h"

namespace refsyncd {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class RefUpdateTest : public RefTarget {
 protected:
  RefUpdateTest() { set_ref(path, "refs/heads/main", first); }
};

TEST_F(RefUpdateTest, CreatesMovesAndDeletes) {
  set_ref(path, "refs/tags/old", first);
  EXPECT_THAT(update({{"refs/heads/main", second, first},
                      {"refs/heads/new", first, absent},
                      {"refs/refsyncd/backup/20260105/heads/x", first, absent},
                      {"refs/tags/old", absent, first}}),
              IsEmpty());
  EXPECT_EQ(refs(path), (std::vector<RefValue>{{"refs/heads/main", second},
                                               {"refs/heads/new", first},
                                               {"refs/refsyncd/backup/20260105/heads/x", first}}));
}

TEST_F(RefUpdateTest, NothingToDoIsDone) {
  EXPECT_THAT(update({}), IsEmpty());
  EXPECT_THAT(update({{"refs/heads/gone", absent, absent}, {"refs/heads/main", first, first}}), IsEmpty());
}

TEST_F(RefUpdateTest, ARefThatMovedIsLeftAloneAndTheOthersMove) {
  set_ref(path, "refs/heads/theirs", second);
  set_ref(path, "refs/heads/deleted", second);
  EXPECT_THAT(update({{"refs/heads/main", second, first},
                      {"refs/heads/theirs", second, first},   // holds what we want already
                      {"refs/heads/deleted", absent, first},  // must not be deleted: it moved
                      {"refs/heads/vanished", second, first}}),
              UnorderedElementsAre("refs/heads/deleted", "refs/heads/vanished"));
  EXPECT_EQ(value("refs/heads/main"), second);
  EXPECT_EQ(value("refs/heads/deleted"), second);
  EXPECT_EQ(value("refs/heads/vanished"), absent);
}

TEST_F(RefUpdateTest, ARefThatAppearedIsNotOverwritten) {
  EXPECT_THAT(update({{"refs/heads/main", second, absent}}), ElementsAre("refs/heads/main"));
  EXPECT_EQ(value("refs/heads/main"), first);
}

TEST_F(RefUpdateTest, ADirectoryMayTakeTheNameOfADeletedRef) {
  EXPECT_THAT(update({{"refs/heads/main/sub", second, absent}, {"refs/heads/main", absent, first}}),
              IsEmpty());
  EXPECT_EQ(refs(path), (std::vector<RefValue>{{"refs/heads/main/sub", second}}));
}

TEST_F(RefUpdateTest, ANameInTheWayOfAnotherDoesNotStopTheRest) {
  EXPECT_THAT(update({{"refs/heads/main/sub", second, absent}, {"refs/heads/new", second, absent}}),
              ElementsAre("refs/heads/main/sub"));
  EXPECT_EQ(value("refs/heads/new"), second);
}

TEST_F(RefUpdateTest, HostileNamesAreData) {
  const std::vector<std::string> names{"refs/heads/-x",
                                       "refs/heads/--upload-pack=touch",
                                       "refs/heads/$(touch${IFS}PWN)",
                                       "refs/heads/`touch`",
                                       "refs/heads/a;b|c&d",
                                       "refs/heads/'q\"",
                                       "refs/heads/\xff\xfe",
                                       "refs/heads/\xe2\x80\xae",
                                       "refs/heads/a{b=\"c\"}",
                                       "refs/heads/@",
                                       "refs/tags/-d"};
  std::vector<RefUpdate> updates;
  for (const auto& name : names) updates.push_back({name, first, absent});
  EXPECT_THAT(update(updates), IsEmpty());
  for (const auto& name : names) EXPECT_EQ(value(name), first) << name;
  EXPECT_EQ(refs(path).size(), names.size() + 1);
}

TEST_F(RefUpdateTest, InvalidNamesAreRefusedAndWriteNothing) {
  for (const auto* name :
       {"refs/heads/../../config", "refs/heads/a b", "/etc/x", "refs/heads/x.lock", "HEAD", "main"}) {
    SCOPED_TRACE(name);
    std::vector<RefUpdate> updates{{name, second, absent}};
    for (int i = 0; i < 100; ++i) updates.push_back({fmt::format("refs/heads/ok{}", i), second, absent});
    try {
      update(updates);
    } catch (const Error&) {
    }
    EXPECT_EQ(plain_git(path, {"config", "core.bare"}), "true");
    EXPECT_EQ(plain_git(path, {"symbolic-ref", "HEAD"}), "refs/heads/main");
  }
}

TEST_F(RefUpdateTest, NoHookOfTheRepositoryRuns) {
  for (const auto* hook : {"reference-transaction", "update", "post-update", "pre-receive"}) {
    write_script(path / "hooks" / hook, "touch " + (folder / "PWN").string());
    write_script(folder / "more-hooks" / hook, "touch " + (folder / "PWN").string());
  }
  EXPECT_THAT(update({{"refs/heads/main", second, first}}), IsEmpty());
  plain_git(path, {"config", "core.hooksPath", (folder / "more-hooks").string()});
  EXPECT_THAT(update({{"refs/heads/main", first, second}}), IsEmpty());
  EXPECT_FALSE(planted_ran());
  plain_git(path, {"update-ref", "refs/heads/main", second.hex()});
  EXPECT_TRUE(planted_ran()) << "the hook would not run in any case: the test proves nothing";
}

TEST_F(RefUpdateTest, ASymbolicRefNeverMovesTheRefItPointsTo) {
  plain_git(path, {"symbolic-ref", "refs/heads/alias", "refs/heads/main"});
  EXPECT_THAT(update({{"refs/heads/alias", second, first}}), IsEmpty());
  EXPECT_EQ(value("refs/heads/alias"), second);
  EXPECT_EQ(value("refs/heads/main"), first);
}

TEST_F(RefUpdateTest, AStaleLockOfOneRefDoesNotStopTheOthers) {
  std::ofstream(path / "refs/heads/main.lock").flush();
  EXPECT_THAT(update({{"refs/heads/main", second, first}, {"refs/heads/new", second, absent}}),
              ElementsAre("refs/heads/main"));
  EXPECT_EQ(value("refs/heads/main"), first);
  EXPECT_EQ(value("refs/heads/new"), second);
}

TEST_F(RefUpdateTest, AnObstacleIsToldAndARaceIsNot) {
  std::ofstream(path / "refs/heads/main.lock").flush();
  set_ref(path, "refs/heads/theirs", second);
  const auto too_long = "refs/heads/" + std::string(300, 'x');
  const auto left = update_telling({{"refs/heads/main", second, first},
                                    {"refs/heads/theirs", first, absent},
                                    {too_long, second, absent},
                                    {"refs/heads/new", second, absent}});
  ASSERT_EQ(left.size(), 3u);
  EXPECT_EQ(left[0].name, "refs/heads/main");
  EXPECT_THAT(left[0].obstacle, testing::HasSubstr("main.lock': File exists"));
  EXPECT_EQ(left[1], (RefLeftAlone{.name = "refs/heads/theirs", .obstacle = ""}));
  EXPECT_EQ(left[2].name, too_long);
  EXPECT_THAT(left[2].obstacle, testing::HasSubstr("cannot lock ref"));
  EXPECT_EQ(value("refs/heads/new"), second);
}

TEST_F(RefUpdateTest, WhatWasMadeIsNotRacedWhateverBecameOfItSince) {
  EXPECT_THAT(update({{"refs/heads/main", absent, first}, {"refs/heads/main", second, absent}}), IsEmpty());
  EXPECT_EQ(value("refs/heads/main"), second);
}

TEST_F(RefUpdateTest, ManyObstaclesDoNotStopTheRest) {
  plain_git(path, {"config", "core.filesRefLockTimeout", "0"});  // git waits a while for each lock otherwise
  std::vector<RefUpdate> updates;
  for (int i = 0; i < 60; ++i) {
    const auto name = fmt::format("refs/heads/locked{:02}", i);
    std::ofstream(path / name) << first.hex() << '\n';
    std::ofstream(path / (name + ".lock")).flush();
    updates.push_back({name, second, first});
  }
  updates.push_back({"refs/heads/main", second, first});
  EXPECT_EQ(update(updates).size(), 60u);
  EXPECT_EQ(value("refs/heads/main"), second);
}

TEST_F(RefUpdateTest, ThrowsWhenNothingCanBeWritten) {
  std::ofstream(path / "refs/heads/main.lock").flush();
  try {
    update({{"refs/heads/main", second, first}});
    FAIL() << "wrote through a lock";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::transient);
    EXPECT_THAT(error.what(), testing::HasSubstr("refs/heads/main.lock': File exists"));
  }
}

TEST_F(RefUpdateTest, AnObjectThatIsMissingIsNeverNamed) {
  const auto missing = *ObjectId::from_hex("1111111111111111111111111111111111111111");
  EXPECT_THAT(update({{"refs/heads/bad", missing, absent}, {"refs/heads/good", first, absent}}),
              ElementsAre("refs/heads/bad"));
  std::vector<RefUpdate> many{{"refs/heads/bad", missing, absent}};
  for (int i = 0; i < 100; ++i) many.push_back({fmt::format("refs/heads/n{}", i), first, absent});
  EXPECT_THAT(update(many), ElementsAre("refs/heads/bad"));
}

/// A first pull: every ref is new.
class ManyCreationsTest : public RefUpdateTest {
 protected:
  std::vector<RefUpdate> creations(int count) const {
    std::vector<RefUpdate> updates;
    for (int i = 0; i < count; ++i)
      updates.push_back({fmt::format("refs/heads/feature/{}", i), second, absent});
    return updates;
  }
};

TEST_F(ManyCreationsTest, TwentyThousandRefsNeedNoFileEach) {
  EXPECT_THAT(update(creations(20'000)), IsEmpty());
  EXPECT_EQ(ObjectReader(path).refs().size(), 20'001u);
  EXPECT_FALSE(std::filesystem::exists(path / "refs/heads/feature"));
  EXPECT_EQ(plain_git(path, {"for-each-ref", "--count=1", "--format=%(refname)", "refs/heads/feature/19999"}),
            "refs/heads/feature/19999");
  EXPECT_FALSE(std::filesystem::exists(path / "packed-refs.lock"));
}

TEST_F(ManyCreationsTest, GitReadsAndExtendsWhatWeWrote) {
  plain_git(path, {"tag", "-a", "-m", "message", "annotated", first.hex()});
  const auto tag = value("refs/tags/annotated");
  plain_git(path, {"pack-refs", "--all"});
  auto updates = creations(100);
  updates.push_back({"refs/tags/copy", tag, absent});
  EXPECT_THAT(update(updates), IsEmpty());
  EXPECT_EQ(plain_git(path, {"rev-parse", "refs/tags/copy^{}", "refs/tags/annotated^{}"}),
            first.hex() + "\n" + first.hex());
  EXPECT_EQ(plain_git(path, {"show-ref", "-d", "copy"}),
            tag.hex() + " refs/tags/copy\n" + first.hex() + " refs/tags/copy^{}");
  set_ref(path, "refs/heads/zzz", second);
  plain_git(path, {"pack-refs", "--all"});
  EXPECT_EQ(refs(path).size(), 104u);
}

TEST_F(ManyCreationsTest, ExistingRefsAreRacedWhereverTheyAre) {
  set_ref(path, "refs/heads/feature/1", first);
  plain_git(path, {"pack-refs", "--all"});
  set_ref(path, "refs/heads/feature/2", first);
  EXPECT_THAT(update(creations(100)), UnorderedElementsAre("refs/heads/feature/1", "refs/heads/feature/2"));
  EXPECT_EQ(value("refs/heads/feature/1"), first);
  EXPECT_EQ(value("refs/heads/feature/2"), first);
  EXPECT_EQ(value("refs/heads/feature/3"), second);
}

TEST_F(ManyCreationsTest, ConflictingNamesAreLeftOut) {
  set_ref(path, "refs/heads/feature/7/below", first);
  plain_git(path, {"pack-refs", "--all"});
  set_ref(path, "refs/heads/feature/8/below", first);
  auto updates = creations(100);
  updates.push_back({"refs/heads/main/x", second, absent});
  EXPECT_THAT(update(updates),
              UnorderedElementsAre("refs/heads/feature/7", "refs/heads/feature/8", "refs/heads/main/x"));
}

TEST_F(ManyCreationsTest, TakesTurnsWithWhoeverHoldsTheLock) {
  std::ofstream(path / "packed-refs.lock").flush();
  EXPECT_THROW(update(creations(100)), Error);
  EXPECT_TRUE(std::filesystem::exists(path / "packed-refs.lock")) << "removed a lock that was not ours";
}

}  // namespace
}  // namespace refsyncd
