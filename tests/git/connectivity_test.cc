#include "git/connectivity.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "base/error.h"
#include "git/new_objects.h"
#include "git/received_pack.h"
#include "git/ref_files.h"

namespace refsyncd {
namespace {

using testing::HasSubstr;

class ConnectivityTest : public ReceivedPack {
 protected:
  /// What the check says of a pack: "" when nothing is missing.
  std::string check(const std::string& pack, const std::vector<ObjectId>& tips) const {
    const auto scratch = make_scratch();
    const auto ingested = ingest(scratch, pack, Verify::connectivity);
    try {
      check_connected(git, scratch, ingested, tips, read_refs(target), {});
      return "";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::transient);
      return error.what();
    }
  }
  /// Whether that needs no process.
  bool proved_in_process(const std::string& pack, const std::vector<ObjectId>& tips) const {
    const auto scratch = make_scratch();
    ingest(scratch, pack, Verify::connectivity);
    return prove_connected(scratch, tips, read_refs(target));
  }
  /// Everything between, without some objects.
  std::string pack_without(const ObjectId& from, const ObjectId& to,
                           const std::vector<ObjectId>& missing) const {
    std::vector<std::string> ids;
    const auto list = plain_git(source, {"rev-list", "--objects", to.hex(), "^" + from.hex()});
    for (const auto line : split(list, '\n')) {
      const auto id = ObjectId::from_hex(line.substr(0, 40));
      if (std::find(missing.begin(), missing.end(), *id) == missing.end()) ids.push_back(id->hex());
    }
    return pack_with(ids);
  }
  void remove_from_target(const ObjectId& id) const {
    const auto hex = id.hex();
    ASSERT_TRUE(std::filesystem::remove(target / "objects" / hex.substr(0, 2) / hex.substr(2)));
  }

  const Files files{{"a", "a\n"}, {"dir/b", "b\n"}, {"dir/deep/c", "c\n"}, {"other/d", "d\n"}};
  Files changed(const std::string& name, const std::string& content) const {
    auto copy = files;
    copy[name] = content;
    return copy;
  }
  ObjectId old = commit_files(files);
};

TEST_F(ConnectivityTest, ACompletePackPasses) {
  give_target(old);
  const auto next = commit_files(changed("dir/deep/c", "new\n"), {old}, 1);
  EXPECT_EQ(check(pack_of({next}, {old}), {next}), "");
  EXPECT_TRUE(proved_in_process(pack_of({next}, {old}), {next}));
}

TEST_F(ConnectivityTest, AFirstPackPasses) {
  EXPECT_EQ(check(pack_of({old}), {old}), "");
  EXPECT_TRUE(proved_in_process(pack_of({old}), {old}));
}

TEST_F(ConnectivityTest, NamesTheMissingObjectAndWhatNamesIt) {
  give_target(old);
  const auto middle = commit_files(changed("dir/deep/c", "middle\n"), {old}, 1);
  const auto next = commit_files(changed("dir/deep/c", "new\n"), {middle}, 2);
  const auto blob = named(next.hex() + ":dir/deep/c");
  const auto tree = named(next.hex() + ":dir");
  EXPECT_EQ(check(pack_without(old, next, {}), {next}), "");
  EXPECT_EQ(check(pack_without(old, next, {blob}), {next}),
            fmt::format("did not send all necessary objects: blob {}, which tree {} ('c') names, is missing",
                        blob.hex(), named(next.hex() + ":dir/deep").hex()));
  EXPECT_EQ(
      check(pack_without(old, next, {tree}), {next}),
      fmt::format("did not send all necessary objects: tree {}, which tree {} ('dir') names, is missing",
                  tree.hex(), named(next.hex() + "^{tree}").hex()));
  EXPECT_EQ(check(pack_without(old, next, {middle}), {next}),
            fmt::format("did not send all necessary objects: commit {}, which commit {} names, is missing",
                        middle.hex(), next.hex()));
  EXPECT_EQ(check(pack_without(old, next, {next}), {next}),
            fmt::format("did not send all necessary objects: commit {}, which a ref names, is missing",
                        next.hex()));
}

TEST_F(ConnectivityTest, FollowsTagsToTheirEnd) {
  give_target(old);
  const auto next = commit_files(changed("a", "new\n"), {old}, 1);
  plain_git(source, {"tag", "-a", "-m", "m", "inner", next.hex()});
  plain_git(source, {"tag", "-a", "-m", "m", "outer", "inner"});
  const auto inner = named("inner");
  const auto outer = named("outer");
  EXPECT_EQ(check(pack_of({outer}, {old}), {outer}), "");
  EXPECT_THAT(check(pack_with({outer.hex()}), {outer}),
              HasSubstr(fmt::format("tag {}, which tag {} names", inner.hex(), outer.hex())));
  EXPECT_THAT(check(pack_with({outer.hex(), inner.hex()}), {outer}),
              HasSubstr(fmt::format("commit {}, which tag {} names", next.hex(), inner.hex())));
}

TEST_F(ConnectivityTest, TagsOfTreesAndFilesCountToo) {
  const auto tree = named(old.hex() + "^{tree}");
  const auto blob = named(old.hex() + ":a");
  plain_git(source, {"tag", "-a", "-m", "m", "tree", tree.hex()});
  const auto tag = named("tree");
  EXPECT_EQ(check(pack_of({tag, blob}), {tag, blob}), "");
  EXPECT_THAT(check(pack_with({tag.hex(), tree.hex(), blob.hex()}), {tag, blob}), HasSubstr("is missing"));
}

TEST_F(ConnectivityTest, ASubmoduleIsNotAskedFor) {
  give_target(old);
  const auto tree =
      plain_git(source, {"mktree", "--missing"}, "160000 commit " + std::string(40, '1') + "\tsub\n");
  const auto next = *ObjectId::from_hex(plain_git(source, {"commit-tree", tree, "-p", old.hex(), "-m", "x"}));
  EXPECT_EQ(check(pack_of({next}, {old}), {next}), "");
  EXPECT_TRUE(proved_in_process(pack_of({next}, {old}), {next}));
}

TEST_F(ConnectivityTest, WhatTheTargetHasWithoutARefIsLookedThrough) {
  give_target(old);
  // The new commit goes back to a tree that the target has, but that no parent shows.
  const auto aside = commit_files({{"x/y", "aside\n"}}, {}, 1);
  give_target(aside, "refs/heads/aside");
  const auto next = commit_files({{"a", "a\n"}, {"x/y", "aside\n"}}, {old}, 2);
  const auto pack = pack_with({next.hex(), named(next.hex() + "^{tree}").hex()});
  EXPECT_EQ(check(pack, {next}), "");
  remove_from_target(named(next.hex() + ":x/y"));
  EXPECT_THAT(check(pack, {next}),
              HasSubstr("which tree " + named(next.hex() + ":x").hex() + " ('y') names, is missing"));
}

TEST_F(ConnectivityTest, ACommitThatNoRefReachesIsNotTrusted) {
  give_target(old);
  const auto loose_end = commit_files(changed("a", "loose end\n"), {old}, 1);
  give_target(loose_end, "refs/heads/gone");
  plain_git(target, {"update-ref", "-d", "refs/heads/gone"});
  const auto next = commit_files(changed("a", "new\n"), {loose_end}, 2);
  const auto pack = pack_of({next}, {loose_end});
  EXPECT_FALSE(proved_in_process(pack, {next}));
  EXPECT_EQ(check(pack, {next}), "");
  remove_from_target(named(loose_end.hex() + ":a"));
  EXPECT_THAT(check(pack, {next}), HasSubstr("did not send all necessary objects"));
}

TEST_F(ConnectivityTest, ABranchFromAnOlderCommitNeedsNoProcess) {
  auto tip = old;
  for (int i = 1; i < 20; ++i) tip = commit_files(changed("a", fmt::format("{}\n", i)), {tip}, i);
  give_target(tip);
  plain_git(source, {"tag", "-a", "-m", "m", "annotated", tip.hex()});
  const auto fork = named(tip.hex() + "~10");
  const auto next = commit_files(changed("other/d", "new\n"), {fork}, 30);
  EXPECT_TRUE(proved_in_process(pack_of({next}, {fork}), {next}));
  EXPECT_TRUE(proved_in_process(pack_of({next}, {fork}), {next, fork}));
  EXPECT_FALSE(
      prove_connected(make_scratch(), std::vector{fork}, read_refs(target), {.objects = 100, .history = 5}));
}

TEST_F(ConnectivityTest, ABrokenRefOfTheTargetPromisesNothing) {
  give_target(old);
  const auto never = commit_files(changed("a", "never sent\n"), {old}, 1);
  std::ofstream(target / "refs/heads/broken") << never.hex() << "\n";
  const auto next = commit_files(changed("a", "new\n"), {never}, 2);
  EXPECT_THAT(check(pack_with({next.hex()}), {next}), HasSubstr("is missing"));
  const auto good = commit_files(changed("a", "good\n"), {old}, 2);
  EXPECT_EQ(check(pack_of({good}, {old}), {good}), "");
}

TEST_F(ConnectivityTest, ALargePackIsLeftToGit) {
  give_target(old);
  Files many = files;
  for (int i = 0; i < 6'000; ++i) many[fmt::format("many/{}", i)] = fmt::format("{}\n", i);
  const auto next = commit_files(many, {old}, 1);
  EXPECT_EQ(check(pack_of({next}, {old}), {next}), "");
  const auto blob = named(next.hex() + ":many/77");
  EXPECT_THAT(check(pack_without(old, next, {blob}), {next}),
              testing::AllOf(HasSubstr("did not send all necessary objects"), HasSubstr(blob.hex())));
}

TEST_F(ConnectivityTest, ASelfContainedPackIsTrustedForWhatItHolds) {
  const auto scratch = make_scratch();
  const auto ingested = ingest(scratch, pack_of({old}), Verify::fsck, true);
  EXPECT_TRUE(ingested.self_contained);
  EXPECT_NO_THROW(check_connected(git, scratch, ingested, std::vector{old}, {}, {}));
  const auto elsewhere = commit_files(changed("a", "elsewhere\n"), {}, 1);
  EXPECT_THROW(check_connected(git, scratch, ingested, std::vector{elsewhere}, {}, {}), Error);
}

TEST_F(ConnectivityTest, AnObjectOfTheWrongTypeIsNotTrusted) {
  give_target(old);
  const auto blob = named(old.hex() + ":a");
  const auto as_tree = std::string("40000 odd") + '\0' + std::string(blob.bytes.begin(), blob.bytes.end());
  const auto odd = plain_git(source, {"hash-object", "-t", "tree", "-w", "--stdin", "--literally"}, as_tree);
  const auto next = *ObjectId::from_hex(plain_git(source, {"commit-tree", odd, "-p", old.hex(), "-m", "x"}));
  const auto scratch = make_scratch();
  const auto ingested = ingest(scratch, pack_with({next.hex(), odd}), Verify::connectivity);
  try {
    check_connected(git, scratch, ingested, std::vector{next}, read_refs(target), {});
    FAIL() << "took a file for a tree";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::untrusted);
    EXPECT_THAT(error.what(), HasSubstr(blob.hex() + " is a blob"));
  }
}

/// Histories with merges, reverts and renames; a pack may lack any of its objects. git is asked the same.
class RandomHistory : public ConnectivityTest, public testing::WithParamInterface<unsigned> {
 protected:
  size_t dice(size_t sides) { return std::uniform_int_distribution<size_t>(0, sides - 1)(random_); }
  Files change(Files now) {
    const auto name = fmt::format("{}/{}", dice(3), dice(3));
    switch (dice(4)) {
      case 0: now.erase(name); break;
      case 1:
        if (const auto found = now.find(name); found != now.end())
          now[fmt::format("{}/moved", dice(3))] = found->second;
        break;
      default: now[name] = fmt::format("{}\n", dice(5));
    }
    now["always"] = "\n";
    return now;
  }
  bool git_finds_all(const ScratchRepository& scratch, const ObjectId& tip) const {
    std::string revisions = tip.hex() + "\n";
    for (const auto& ref : read_refs(target)) revisions += "^" + ref.id.hex() + "\n";
    return git.run(scratch.path(), {"rev-list", "--objects", "--quiet", "--stdin"}, {}, revisions).ok();
  }

 private:
  std::mt19937 random_{GetParam()};
};

TEST_P(RandomHistory, IsJudgedAsGitJudgesIt) {
  std::vector<std::pair<ObjectId, Files>> commits{{old, files}};
  for (int i = 1; i < 12; ++i) {
    const auto& [parent, content] = commits[commits.size() - 1 - dice(std::min<size_t>(3, commits.size()))];
    std::vector<ObjectId> parents{parent};
    if (dice(3) == 0) parents.push_back(commits[dice(commits.size())].first);
    if (parents.size() == 2 && parents[0] == parents[1]) parents.pop_back();
    auto files_now = dice(4) == 0 ? commits[dice(commits.size())].second : change(content);
    const auto made = commit_files(files_now, parents, i);
    commits.emplace_back(made, std::move(files_now));
  }
  const auto tip = commits.back().first;
  const auto held = commits[dice(commits.size() - 1)].first;
  give_target(held);
  std::vector<std::string> ids;
  const auto list = plain_git(source, {"rev-list", "--objects", tip.hex(), "^" + held.hex()});
  for (const auto line : split(list, '\n')) ids.emplace_back(line.substr(0, 40));
  for (int attempt = 0; attempt < 4; ++attempt) {
    auto some = ids;
    if (attempt > 0 && some.size() > 1)
      some.erase(some.begin() + static_cast<std::ptrdiff_t>(dice(some.size())));
    const auto scratch = make_scratch();
    const auto ingested = ingest(scratch, pack_with(some), Verify::connectivity);
    bool passed = true;
    try {
      check_connected(git, scratch, ingested, std::vector{tip}, read_refs(target), {});
    } catch (const Error&) {
      passed = false;
    }
    EXPECT_EQ(passed, git_finds_all(scratch, tip)) << "attempt " << attempt;
    EXPECT_TRUE(passed || attempt > 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomHistory, testing::Range(0U, 15U));

}  // namespace
}  // namespace refsyncd
