#include "git/ref_locks.h"

#include <gmock/gmock.h>

#include "git/real_git.h"

namespace refsyncd {
namespace {

using std::filesystem::exists;

class RefLocksTest : public RealGit {
 protected:
  bool git_can_make(const std::string& name) const {
    try {
      plain_git(path, {"-c", "core.filesRefLockTimeout=0", "update-ref", name, first.hex()});
      return true;
    } catch (const std::runtime_error&) {
      return false;
    }
  }

  std::filesystem::path path = make_bare("a.git");
  ObjectId first = commit(path, "first");
};

TEST_F(RefLocksTest, AreWhatGitRespects) {
  {
    RefLocks locks(path);
    for (const auto* name : {"refs/heads/a", "refs/heads/b", "refs/tags/deep/er/c"}) {
      EXPECT_TRUE(locks.take(name)) << name;
      EXPECT_FALSE(git_can_make(name)) << name;
    }
    EXPECT_TRUE(git_can_make("refs/heads/free"));
  }
  for (const auto* name : {"refs/heads/a", "refs/heads/b", "refs/tags/deep/er/c"})
    EXPECT_TRUE(git_can_make(name)) << name;
}

TEST_F(RefLocksTest, AreNamesOfOneFile) {
  RefLocks locks(path);
  for (const auto* name : {"refs/heads/a", "refs/heads/b", "refs/tags/deep/er/c"}) locks.take(name);
  EXPECT_EQ(std::filesystem::hard_link_count(path / "refs/tags/deep/er/c.lock"), 3U);
}

TEST_F(RefLocksTest, OfSomebodyElseAreNeitherTakenNorRemoved) {
  std::ofstream(path / "refs/heads/theirs.lock").flush();
  {
    RefLocks locks(path);
    EXPECT_FALSE(locks.take("refs/heads/theirs")) << "as a first one";
    EXPECT_TRUE(locks.take("refs/heads/ours"));
    EXPECT_FALSE(locks.take("refs/heads/theirs")) << "as a further one";
    EXPECT_FALSE(locks.take("refs/heads/ours")) << "our own count";
  }
  EXPECT_TRUE(exists(path / "refs/heads/theirs.lock"));
  EXPECT_FALSE(exists(path / "refs/heads/ours.lock"));
}

TEST_F(RefLocksTest, TakeTheirFoldersWithThemUnlessSomebodyUsesThem) {
  std::filesystem::create_directories(path / "refs/heads/old");
  {
    RefLocks locks(path);
    for (const auto* name : {"refs/heads/old/x", "refs/heads/new/er/x", "refs/heads/used/er/x"})
      EXPECT_TRUE(locks.take(name)) << name;
    set_ref(path, "refs/heads/used/y", first);
  }
  EXPECT_TRUE(exists(path / "refs/heads/old"));
  EXPECT_FALSE(exists(path / "refs/heads/new"));
  EXPECT_FALSE(exists(path / "refs/heads/used/er"));
  EXPECT_TRUE(exists(path / "refs/heads/used/y"));
}

TEST_F(RefLocksTest, CannotBeMadeBelowARef) {
  set_ref(path, "refs/heads/a", first);
  RefLocks locks(path);
  EXPECT_FALSE(locks.take("refs/heads/a/b"));
  EXPECT_TRUE(locks.take("refs/heads/c"));
  EXPECT_FALSE(locks.take("refs/heads/a/b"));
  EXPECT_FALSE(locks.take("refs/heads/" + std::string(300, 'x')));
}

}  // namespace
}  // namespace refsyncd
