#include "git/repository.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "base/error.h"
#include "base/file.h"
#include "git/real_git.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;

class RepositoryTest : public RealGit {
 protected:
  Repository open(const std::filesystem::path& path) const { return Repository::open(git, path, false); }

  ErrorKind kind_of_opening(const std::filesystem::path& path) const {
    try {
      open(path);
    } catch (const Error& error) {
      message = error.what();
      return error.kind();
    }
    ADD_FAILURE() << "opened " << path;
    return ErrorKind::internal;
  }

  /// Writes a file whose age is an hour.
  void write_old(const std::filesystem::path& path) const {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << "x";
    make_old(path);
  }
  void make_old(const std::filesystem::path& path) const {
    std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() - 1h);
  }

  /// Older than a day.
  static void make_older(const std::filesystem::path& path) {
    std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() - 25h);
  }

  mutable std::string message;
};

TEST_F(RepositoryTest, CreatesAnEmptyBareRepositoryThatGitAccepts) {
  const auto path = folder / "repos/org/new.git";
  const auto repository = Repository::open(git, path, true);
  EXPECT_EQ(plain_git(path, {"rev-parse", "--is-bare-repository"}), "true");
  EXPECT_EQ(plain_git(path, {"config", "gc.auto"}), "0");
  EXPECT_EQ(plain_git(path, {"config", "receive.denyDeletes"}), "true");
  EXPECT_EQ(plain_git(path, {"fsck"}), "");
  EXPECT_FALSE(std::filesystem::exists(path / "hooks"));
  EXPECT_THAT(repository.reader().refs(), IsEmpty());
  EXPECT_EQ(repository.reader().head_target(), "refs/heads/main");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(path.parent_path()), {}), 1);
}

TEST_F(RepositoryTest, CreatesInAnEmptyDirectoryButNeverInAFullOne) {
  std::filesystem::create_directories(folder / "empty");
  EXPECT_NO_THROW(Repository::open(git, folder / "empty", true));
  std::filesystem::create_directories(folder / "full");
  std::ofstream(folder / "full/diary") << "dear";
  EXPECT_THROW(Repository::open(git, folder / "full", true), Error);
  EXPECT_EQ(read_file(folder / "full/diary"), "dear");
}

TEST_F(RepositoryTest, AMissingRepositoryIsNotFound) {
  EXPECT_EQ(kind_of_opening(folder / "none.git"), ErrorKind::not_found);
}

TEST_F(RepositoryTest, RefusesWhatIsNoBareRepository) {
  const auto bare = make_bare("a.git");
  std::filesystem::create_directories(folder / "work");
  plain_git(folder / "work", {"init", "-q"});
  EXPECT_EQ(kind_of_opening(folder / "work"), ErrorKind::bad_config);
  EXPECT_THAT(message, HasSubstr("working tree"));
  EXPECT_EQ(kind_of_opening(folder / "work/.git"), ErrorKind::bad_config);
  EXPECT_THAT(message, HasSubstr("core.bare"));
  EXPECT_EQ(kind_of_opening(bare / "config"), ErrorKind::bad_config);
  std::filesystem::remove(bare / "HEAD");
  EXPECT_EQ(kind_of_opening(bare), ErrorKind::bad_config);
  EXPECT_THAT(message, HasSubstr("it has no HEAD"));
}

TEST_F(RepositoryTest, RefusesSha256) {
  std::filesystem::create_directories(folder / "sha256.git");
  plain_git(folder / "sha256.git", {"init", "-q", "--bare", "--object-format=sha256"});
  EXPECT_EQ(kind_of_opening(folder / "sha256.git"), ErrorKind::bad_config);
  EXPECT_THAT(message, HasSubstr("only SHA-1"));
}

TEST_F(RepositoryTest, RefusesControlFilesThatAnybodyMayWrite) {
  for (const auto* name : {"", "HEAD", "config", "objects", "refs", "refs/heads", "packed-refs"}) {
    SCOPED_TRACE(name);
    const auto path = make_bare(std::string("w-") + std::to_string(std::hash<std::string_view>{}(name)));
    std::ofstream(path / "packed-refs").flush();
    EXPECT_NO_THROW(open(path));
    std::filesystem::permissions(path / name, std::filesystem::perms::others_write,
                                 std::filesystem::perm_options::add);
    EXPECT_EQ(kind_of_opening(path), ErrorKind::untrusted);
    EXPECT_THAT(message, HasSubstr("chmod o-w"));
  }
}

TEST_F(RepositoryTest, RefusesSymbolicLinksInPlaceOfControlFiles) {
  for (const auto* name : {"HEAD", "config", "objects", "refs", "refs/heads"}) {
    SCOPED_TRACE(name);
    const auto path = make_bare(std::string("l-") + std::to_string(std::hash<std::string_view>{}(name)));
    std::filesystem::rename(path / name, folder / "elsewhere");
    std::filesystem::create_symlink(folder / "elsewhere", path / name);
    EXPECT_EQ(kind_of_opening(path), ErrorKind::untrusted);
    std::filesystem::remove_all(folder / "elsewhere");
  }
}

TEST_F(RepositoryTest, RefusesWhatBelongsToSomebodyElse) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  const auto path = make_bare("theirs.git");
  ASSERT_EQ(::lchown((path / "config").c_str(), 12345, 12345), 0);
  EXPECT_EQ(kind_of_opening(path), ErrorKind::untrusted);
  EXPECT_THAT(message, HasSubstr("belongs to user 12345"));
}

TEST_F(RepositoryTest, OpensThroughASymbolicLinkToTheRepository) {
  const auto path = make_bare("real.git");
  std::filesystem::create_directory_symlink(path, folder / "link.git");
  EXPECT_EQ(open(folder / "link.git").path(), std::filesystem::canonical(path));
}

TEST_F(RepositoryTest, RemovesWhatKilledGitProcessesLeaveBehind) {
  const auto path = make_bare("a.git");
  const auto repository = open(path);
  const std::vector<std::string> leftovers{"HEAD.lock",
                                           "config.lock",
                                           "packed-refs.lock",
                                           "packed-refs.new",
                                           "shallow.lock",
                                           "refs/heads/main.lock",
                                           "refs/heads/deep/er/x.lock",
                                           "objects/pack/tmp_pack_AbCdEf",
                                           "objects/pack/tmp_idx_AbCdEf",
                                           "objects/pack/multi-pack-index.lock",
                                           "objects/info/commit-graph.lock",
                                           "objects/1f/tmp_obj_AbCdEf",
                                           "objects/maintenance.lock",
                                           "objects/tmp_objdir-incoming-AbCdEf/pack/x.pack"};
  for (const auto& name : leftovers) write_old(path / name);
  std::filesystem::create_directories(path / "refsyncd-scratch/0-old/objects");
  for (const auto* dir : {"objects/tmp_objdir-incoming-AbCdEf/pack", "objects/tmp_objdir-incoming-AbCdEf",
                          "refsyncd-scratch/0-old/objects", "refsyncd-scratch/0-old"}) {
    make_old(path / dir);
  }
  EXPECT_EQ(repository.remove_leftovers({.locks = 2h, .objects = 2h}), 0u)
      << "younger than the age asked for";
  EXPECT_EQ(repository.remove_leftovers({.locks = 30min, .objects = 30min}), leftovers.size() + 1);
  for (const auto& name : leftovers) EXPECT_FALSE(std::filesystem::exists(path / name)) << name;
  EXPECT_FALSE(std::filesystem::exists(path / "refsyncd-scratch/0-old"));
  EXPECT_EQ(repository.remove_leftovers({.locks = 30min, .objects = 30min}), 0u);
}

TEST_F(RepositoryTest, SparesWhatSomebodyElsesGitMayStillUse) {
  const auto path = make_bare("a.git");
  const std::vector<std::string> held{"objects/pack/tmp_pack_AbCdEf", "objects/pack/pack-1111.pack",
                                      "objects/tmp_objdir-incoming-AbCdEf/pack/tmp_pack_x",
                                      "refs/heads/main.lock"};
  for (const auto& name : held) write_old(path / name);
  make_old(path / "objects/tmp_objdir-incoming-AbCdEf");
  EXPECT_EQ(open(path).remove_leftovers({.locks = 2h, .ours = 0ms}), 0u);
  make_older(path / "objects/tmp_objdir-incoming-AbCdEf");
  EXPECT_EQ(open(path).remove_leftovers({.locks = 2h}), 0u) << "the pack inside is young";
  for (const auto& name : held) make_older(path / name);
  for (const auto* part : {"/pack", ""}) {
    make_older(path / ("objects/tmp_objdir-incoming-AbCdEf" + std::string(part)));
  }
  EXPECT_EQ(open(path).remove_leftovers({}), held.size());
}

TEST_F(RepositoryTest, RemovesAtOnceWhatAKilledAgentLeft) {
  const auto path = make_bare("a.git");
  const auto repository = open(path);
  std::ofstream(path / "refs/heads/before.lock").flush();
  make_old(path / "refs/heads/before.lock");
  const RepositoryUse killed(repository);
  std::ofstream(path / "refs/heads/main.lock").flush();
  std::filesystem::create_directories(path / "refsyncd-scratch/1/objects");
  EXPECT_EQ(repository.remove_leftovers({.locks = 2h, .ours = 1h}), 1u) << "the lock was made while we ran";
  EXPECT_TRUE(std::filesystem::exists(path / "refs/heads/main.lock"));
  EXPECT_EQ(repository.remove_leftovers({.locks = 2h, .ours = 0ms}), 1u);
  EXPECT_TRUE(std::filesystem::exists(path / "refs/heads/before.lock")) << "somebody held it before us";
}

TEST_F(RepositoryTest, RemovesHalvesOfPacks) {
  const auto path = make_bare("a.git");
  commit(path, "one");
  for (const auto* name :
       {"pack-1.pack", "pack-1.rev", "pack-2.pack", "pack-2.idx", "pack-3.idx", "diary.pack", "diary.idx"}) {
    std::filesystem::create_directories(path / "objects/pack");
    std::ofstream(path / "objects/pack" / name) << "x";
    make_older(path / "objects/pack" / name);
  }
  EXPECT_EQ(open(path).remove_leftovers({}), 3u);
  EXPECT_FALSE(std::filesystem::exists(path / "objects/pack/pack-3.idx"));
  EXPECT_TRUE(std::filesystem::exists(path / "objects/pack/pack-2.pack"));
  EXPECT_TRUE(std::filesystem::exists(path / "objects/pack/diary.pack"));
}

TEST_F(RepositoryTest, ACreationRemovesWhatAKilledOneLeft) {
  const auto half_made = folder / "new.git.new-01900000-0000-7000-8000-000000000000";
  std::filesystem::create_directories(half_made / "objects");
  std::filesystem::create_directories(folder / "new.git.new-idea");
  Repository::open(git, folder / "new.git", true);
  EXPECT_FALSE(std::filesystem::exists(half_made));
  EXPECT_TRUE(std::filesystem::exists(folder / "new.git.new-idea"));
}

TEST_F(RepositoryTest, LeavesEverythingElseAlone) {
  const auto path = make_bare("a.git");
  const auto value = commit(path, "one");
  set_ref(path, "refs/heads/main", value);
  set_ref(path, "refs/heads/tmp_branch", value);
  plain_git(path, {"repack", "-adq"});
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) make_old(entry.path());
  const auto before = refs(path);
  EXPECT_EQ(open(path).remove_leftovers({.locks = 0ms, .objects = 0ms, .ours = 0ms}), 0u);
  EXPECT_EQ(refs(path), before);
  EXPECT_EQ(plain_git(path, {"fsck", "--full"}), "");
}

TEST_F(RepositoryTest, RestoresARefWhoseFileAPowerLossLeftEmpty) {
  const auto path = make_bare("a.git");
  const auto value = commit(path, "one");
  set_ref(path, "refs/heads/main", value);
  plain_git(path, {"pack-refs", "--all"});
  std::filesystem::create_directories(path / "refs/heads");
  std::ofstream(path / "refs/heads/main").flush();
  make_old(path / "refs/heads/main");
  EXPECT_EQ(open(path).empty_refs(), std::vector<std::string>{"refs/heads/main"});
  EXPECT_EQ(open(path).remove_leftovers({}), 1u);
  EXPECT_EQ(plain_git(path, {"rev-parse", "refs/heads/main"}), value.hex());
}

TEST_F(RepositoryTest, AScratchSeesTheTargetsObjectsAndGoesWithItsObject) {
  const auto path = make_bare("a.git");
  const auto value = commit(path, "one");
  const auto repository = open(path);
  std::filesystem::path where;
  {
    const auto scratch = repository.scratch();
    where = scratch.path();
    EXPECT_TRUE(scratch.reader().contains(value));
    EXPECT_THAT(scratch.refs(), IsEmpty());
    EXPECT_EQ(plain_git(where, {"cat-file", "-t", value.hex()}), "commit");
  }
  EXPECT_FALSE(std::filesystem::exists(where));
}

TEST_F(RepositoryTest, AdoptsPacksAndNothingElse) {
  const auto path = make_bare("a.git");
  const auto repository = open(path);
  auto scratch = repository.scratch();
  const auto value = commit(scratch.path(), "new");
  plain_git(scratch.path(), {"update-ref", "refs/heads/main", value.hex()});
  plain_git(scratch.path(), {"repack", "-adq"});
  std::ofstream(scratch.path() / "objects/pack/tmp_pack_x") << "junk";
  std::ofstream(scratch.path() / "objects/pack/pack-x.keep") << "kept";
  EXPECT_FALSE(repository.reader().contains(value));
  repository.adopt_objects(scratch);
  EXPECT_TRUE(repository.reader().contains(value));
  EXPECT_THAT(refs(path), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(path / "objects/pack/tmp_pack_x"));
  EXPECT_FALSE(std::filesystem::exists(path / "objects/pack/pack-x.keep"));
}

TEST_F(RepositoryTest, PointsHeadAtABranch) {
  const auto path = make_bare("a.git");
  const auto repository = open(path);
  repository.set_head("refs/heads/trunk");
  EXPECT_EQ(repository.reader().head_target(), "refs/heads/trunk");
}

TEST_F(RepositoryTest, PacksRefsOnlyWhenThereAreMany) {
  const auto path = make_bare("a.git");
  const auto value = commit(path, "one");
  set_ref(path, "refs/heads/main", value);
  const auto repository = open(path);
  repository.pack_refs({});
  EXPECT_FALSE(std::filesystem::exists(path / "packed-refs"));
  for (int i = 0; i < 1000; ++i)
    std::ofstream(path / "refs/heads" / std::to_string(i)) << value.hex() << "\n";
  repository.pack_refs({});
  EXPECT_TRUE(std::filesystem::exists(path / "packed-refs"));
  EXPECT_FALSE(std::filesystem::exists(path / "refs/heads/main"));
  EXPECT_EQ(repository.reader().refs().size(), 1001u);
}

TEST_F(RepositoryTest, ConsolidatesPacksOnlyWhenThereAreMany) {
  const auto path = make_bare("a.git");
  const auto repository = open(path);
  const auto packs = [&] {
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::directory_iterator(path / "objects/pack"))
      if (entry.path().extension() == ".pack") found.push_back(entry.path());
    return found.size();
  };
  std::vector<ObjectId> values;
  for (int i = 0; i < 49; ++i) {
    values.push_back(commit(path, "commit " + std::to_string(i)));
    plain_git(path, {"pack-objects", "-q", "objects/pack/pack"},
              plain_git(path, {"rev-list", "--objects", "--no-object-names", values.back().hex()}) + "\n");
  }
  plain_git(path, {"prune-packed", "-q"});
  repository.consolidate_packs({}, 50);
  EXPECT_EQ(packs(), 49u);
  const auto reader = repository.reader();
  EXPECT_TRUE(reader.contains(values[0]));
  values.push_back(commit(path, "one too many"));
  plain_git(path, {"pack-objects", "-q", "objects/pack/pack"}, values.back().hex() + "\n");
  repository.consolidate_packs({}, 50);
  EXPECT_LE(packs(), 2u);
  for (const auto& value : values) {
    EXPECT_TRUE(repository.reader().contains(value)) << "unreachable objects stay too";
    EXPECT_EQ(reader.ancestry(value, value), Ancestry::same) << "who reads meanwhile goes on";
  }
}

}  // namespace
}  // namespace refsyncd
