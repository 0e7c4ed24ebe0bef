#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/error.h"
#include "git/real_git.h"

// libgit2 1.5 loses 64 bytes when it meets a hole in a history.
// LeakSanitizer calls it by this name.
// NOLINTNEXTLINE(bugprone-reserved-identifier)
extern "C" const char* __lsan_default_suppressions() { return "leak:libgit2.so"; }

namespace refsyncd {
namespace {

using testing::IsEmpty;

class ObjectReaderTest : public RealGit {
 protected:
  std::filesystem::path path = make_bare("a.git");
  ObjectId one = commit(path, "one");
  ObjectId two = commit(path, "two", {one});
};

TEST_F(ObjectReaderTest, SortsLooseAndPackedRefsByBytes) {
  for (const auto* name :
       {"refs/heads/b", "refs/heads/a-b", "refs/heads/a/c", "refs/tags/v1", "refs/heads/\xff"}) {
    set_ref(path, name, one);
  }
  plain_git(path, {"pack-refs", "--all"});
  for (const auto* name : {"refs/heads/B", "refs/heads/a0", "refs/notes/x"}) set_ref(path, name, two);
  set_ref(path, "refs/heads/b", two);
  EXPECT_EQ(ObjectReader(path).refs(), (std::vector<RefValue>{{"refs/heads/B", two},
                                                              {"refs/heads/a-b", one},
                                                              {"refs/heads/a/c", one},
                                                              {"refs/heads/a0", two},
                                                              {"refs/heads/b", two},
                                                              {"refs/heads/\xff", one},
                                                              {"refs/tags/v1", one}}));
}

TEST_F(ObjectReaderTest, ResolvesSymbolicRefsAndSkipsBrokenOnes) {
  set_ref(path, "refs/heads/main", one);
  plain_git(path, {"symbolic-ref", "refs/heads/alias", "refs/heads/main"});
  plain_git(path, {"symbolic-ref", "refs/heads/dangling", "refs/heads/none"});
  plain_git(path, {"symbolic-ref", "refs/heads/loop", "refs/heads/loop"});
  std::ofstream(path / "refs/heads/empty").flush();
  std::ofstream(path / "refs/heads/garbage") << "not an id\n";
  const ObjectReader reader(path);
  EXPECT_EQ(reader.refs(), (std::vector<RefValue>{{"refs/heads/alias", one}, {"refs/heads/main", one}}));
  EXPECT_EQ(reader.value_of("refs/heads/alias"), one);
  for (const auto* name :
       {"refs/heads/dangling", "refs/heads/empty", "refs/heads/garbage", "refs/heads/none"}) {
    EXPECT_EQ(reader.value_of(name), std::nullopt) << name;
  }
}

TEST_F(ObjectReaderTest, AnnotatedTagsKeepTheirOwnIdAndCanBePeeled) {
  plain_git(path, {"tag", "-a", "-m", "m", "v1", one.hex()});
  const ObjectReader reader(path);
  const auto tag = *reader.value_of("refs/tags/v1");
  EXPECT_NE(tag, one);
  EXPECT_EQ(reader.peel(tag), one);
  EXPECT_EQ(reader.peel(one), std::nullopt);
}

TEST_F(ObjectReaderTest, ListsOnlyBelowAPrefix) {
  set_ref(path, "refs/refsyncd/backup/1/heads/x", one);
  set_ref(path, "refs/heads/x", one);
  EXPECT_EQ(ObjectReader(path).refs_below("refs/refsyncd/backup/"),
            (std::vector<RefValue>{{"refs/refsyncd/backup/1/heads/x", one}}));
}

TEST_F(ObjectReaderTest, TellsWhereTwoCommitsStand) {
  const auto side = commit(path, "side", {one});
  const auto merge = commit(path, "merge", {two, side});
  const auto unrelated = commit(path, "unrelated");
  const auto missing = *ObjectId::from_hex("1111111111111111111111111111111111111111");
  const auto blob = *ObjectId::from_hex(plain_git(path, {"hash-object", "-w", "--stdin"}, "x"));
  const ObjectReader reader(path);
  EXPECT_EQ(reader.ancestry(one, one), Ancestry::same);
  EXPECT_EQ(reader.ancestry(one, two), Ancestry::ahead);
  EXPECT_EQ(reader.ancestry(side, merge), Ancestry::ahead);
  EXPECT_EQ(reader.ancestry(one, merge), Ancestry::ahead);
  EXPECT_EQ(reader.ancestry(two, one), Ancestry::diverged);
  EXPECT_EQ(reader.ancestry(two, side), Ancestry::diverged);
  EXPECT_EQ(reader.ancestry(one, unrelated), Ancestry::diverged);
  EXPECT_EQ(reader.ancestry(missing, two), Ancestry::unknown_object);
  EXPECT_EQ(reader.ancestry(one, missing), Ancestry::unknown_object);
  EXPECT_EQ(reader.ancestry(one, blob), Ancestry::not_a_commit);
  EXPECT_EQ(reader.ancestry(blob, one), Ancestry::not_a_commit);
}

TEST_F(ObjectReaderTest, HistoryWithAHoleIsUnknown) {
  const auto three = commit(path, "three", {two});
  const auto hex = two.hex();
  std::filesystem::remove(path / "objects" / hex.substr(0, 2) / hex.substr(2));
  EXPECT_EQ(ObjectReader(path).ancestry(one, three), Ancestry::unknown_object);
}

TEST_F(ObjectReaderTest, HeadMayBeUnbornOrDetached) {
  EXPECT_EQ(ObjectReader(path).head_target(), "refs/heads/main");
  plain_git(path, {"update-ref", "--no-deref", "HEAD", one.hex()});
  EXPECT_EQ(ObjectReader(path).head_target(), "");
}

TEST_F(ObjectReaderTest, SeesWhatOthersDoMeanwhile) {
  const ObjectReader reader(path);
  EXPECT_THAT(reader.refs(), IsEmpty());
  set_ref(path, "refs/heads/main", one);
  EXPECT_EQ(reader.refs().size(), 1u);
  plain_git(path, {"pack-refs", "--all"});
  plain_git(path, {"repack", "-adq"});
  EXPECT_EQ(reader.value_of("refs/heads/main"), one);
  EXPECT_TRUE(reader.contains(one));
}

TEST_F(ObjectReaderTest, WhatIsNoRepositoryIsAnError) {
  EXPECT_THROW(ObjectReader(folder / "none.git"), Error);
  std::filesystem::remove_all(path / "objects");
  EXPECT_THROW(ObjectReader{path}, Error);
}

}  // namespace
}  // namespace refsyncd
