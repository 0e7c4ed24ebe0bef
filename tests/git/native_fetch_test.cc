#include <fmt/format.h>
#include <gmock/gmock.h>

#include "git/native_upstream.h"

namespace refsyncd {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Le;
using testing::Not;
using testing::SizeIs;

constexpr size_t objects_of_commit = 3;  // the commit, its tree, its file

/// Remote::fetch() as we speak it, when all goes well.
class NativeFetchTest : public NativeUpstream {
 protected:
  ~NativeFetchTest() override { EXPECT_EQ(read_refs(ours), read_refs(upstream)); }
  NativeFetchTest() = default;
};

TEST_F(NativeFetchTest, AFirstFetchBringsEverything) {
  grow("refs/heads/main", 20, "x");
  EXPECT_EQ(pull(), 20 * objects_of_commit);
  EXPECT_EQ(count(fetches), 1U);
}

TEST_F(NativeFetchTest, AFastForwardBringsWhatIsNewInOneRequest) {
  grow("refs/heads/main", 20, "x");
  pull();
  grow("refs/heads/main", 1, "y", "refs/heads/main^0");
  EXPECT_LE(pull(), objects_of_commit + 1);
  EXPECT_EQ(count(fetches), 2U);
}

TEST_F(NativeFetchTest, ANewBranchBringsWhatIsNewOnIt) {
  const auto history = grow("refs/heads/main", 20, "x");
  pull();
  grow("refs/heads/topic", 2, "y", history[10].hex());
  EXPECT_LE(pull(), 2 * objects_of_commit + 2);
}

TEST_F(NativeFetchTest, OfARewrittenHistoryOnlyTheNewCommitsCome) {
  const auto history = grow("refs/heads/main", 300, "x");
  pull();
  grow("refs/heads/main", 5, "rewritten", history[200].hex());
  forget_unreachable();
  EXPECT_LE(pull(), 5 * objects_of_commit + 10);
  EXPECT_THAT(count(fetches), Le(3U));
}

TEST_F(NativeFetchTest, OfAHistoryRewrittenLongAgoLittleMoreThanTheNewCommitsCome) {
  const auto history = grow("refs/heads/main", 2000, "x");
  pull();
  grow("refs/heads/main", 5, "rewritten", history[500].hex());
  forget_unreachable();
  EXPECT_LE(pull(), 600 * objects_of_commit)
      << "as far as the steps reach, not the 500 commits and all before";
  EXPECT_THAT(count(fetches), Le(6U));
}

TEST_F(NativeFetchTest, AnUnrelatedHistoryComesWhole) {
  grow("refs/heads/main", 50, "x");
  pull();
  plain_git(upstream, {"update-ref", "-d", "refs/heads/main"});
  grow("refs/heads/main", 10, "unrelated");
  forget_unreachable();
  EXPECT_EQ(pull(), 10 * objects_of_commit);
}

TEST_F(NativeFetchTest, AnnotatedTagsComeAsTheyAre) {
  const auto history = grow("refs/heads/main", 3, "x");
  pull();
  plain_git(upstream, {"tag", "-a", "-m", "x", "v1", history[1].hex()});
  plain_git(upstream, {"tag", "-a", "-m", "nested", "v2", "v1"});
  EXPECT_EQ(pull(), 2U) << "the two tags";
}

TEST_F(NativeFetchTest, ATagAloneBringsTheHistoryBelowIt) {
  const auto history = grow("refs/heads/main", 3, "x");
  plain_git(upstream, {"tag", "-a", "-m", "x", "v1", history[1].hex()});
  auto scratch = make_scratch();
  const auto upstream_remote = remote();
  upstream_remote->list({});
  upstream_remote->fetch(scratch, std::vector<std::string>{"refs/tags/v1"});
  EXPECT_THAT(scratch.refs(), SizeIs(1));
  EXPECT_EQ(objects_in(scratch), 1 + 2 * objects_of_commit);
  pull();
}

TEST_F(NativeFetchTest, FiveHundredRefsComeInOneRequest) {
  const auto base = grow("refs/heads/main", 10, "x").back();
  pull();
  std::string text;
  for (int i = 0; i < 500; ++i) {
    text += fmt::format("commit refs/heads/topic/{}\ncommitter Ada <ada@example.com> {} +0000\ndata 1\nx\n",
                        i, 1767700000 + i);
    text += fmt::format("from {}\nM 100644 inline topic\ndata <<.\n{}\n.\n\n", base.hex(), i);
  }
  plain_git(upstream, {"fast-import", "--quiet"}, text);
  EXPECT_LE(pull(), 500 * objects_of_commit + 10);
  EXPECT_EQ(count(fetches), 2U);
}

TEST_F(NativeFetchTest, WhatIsThereAlreadyIsNotAskedFor) {
  const auto history = grow("refs/heads/main", 5, "x");
  pull();
  const auto asked = count(fetches);
  set_ref(upstream, "refs/heads/old", history[2]);
  set_ref(upstream, "refs/tags/v1", history[4]);
  EXPECT_EQ(pull(), 0U);
  EXPECT_EQ(count(fetches), asked);
}

TEST_F(NativeFetchTest, AnObjectWithoutItsHistoryIsNotTakenForThere) {
  const auto history = grow("refs/heads/main", 5, "x");
  const auto commit = plain_git(upstream, {"cat-file", "commit", history[4].hex()});
  plain_git(ours, {"hash-object", "-w", "-t", "commit", "--stdin", "--literally"}, commit + "\n");
  EXPECT_GE(pull(), 5 * objects_of_commit - 1);
}

TEST_F(NativeFetchTest, ARefOfOursThatNamesAMissingObjectIsNoReasonToBeSentLess) {
  const auto history = grow("refs/heads/main", 5, "x");
  const auto name = ours / "refs/heads/lost";
  std::filesystem::create_directories(name.parent_path());
  std::ofstream(name) << history[3].hex() << "\n";
  auto scratch = make_scratch();
  const auto upstream_remote = remote();
  upstream_remote->list({});
  upstream_remote->fetch(scratch, std::vector<std::string>{"refs/heads/main"});
  EXPECT_EQ(objects_in(scratch), 5 * objects_of_commit);
  std::filesystem::remove(name);
  adopt(scratch);
}

TEST_F(NativeFetchTest, WhatWasListedIsUsedOnce) {
  grow("refs/heads/main", 2, "x");
  const auto listed = std::make_shared<const Advertisement>(remote()->list({}));
  const auto asked = server.requests().size();
  Operation operation;
  operation.listed = listed;
  const auto upstream_remote = remote(operation);
  EXPECT_EQ(upstream_remote->list({}), *listed);
  EXPECT_EQ(server.requests().size(), asked);
  grow("refs/heads/main", 1, "y", "refs/heads/main^0");
  EXPECT_NE(upstream_remote->list({}), *listed);
  EXPECT_EQ(server.requests().size(), asked + 1);
  pull(upstream_remote);
}

TEST_F(NativeFetchTest, FetchingWithoutHavingListedLists) {
  grow("refs/heads/main", 2, "x");
  auto scratch = make_scratch();
  remote()->fetch(scratch, std::vector<std::string>{"refs/heads/main"});
  adopt(scratch);
}

TEST_F(NativeFetchTest, WhatMovedSinceItWasListedAndIsGoneIsListedAgain) {
  const auto history = grow("refs/heads/main", 5, "x");
  const auto upstream_remote = remote();
  upstream_remote->list({});
  grow("refs/heads/main", 1, "rewritten", history[2].hex());
  forget_unreachable();
  auto scratch = make_scratch();
  upstream_remote->fetch(scratch, std::vector<std::string>{"refs/heads/main"});
  EXPECT_EQ(count(fetches), 2U);
  adopt(scratch);
}

TEST_F(NativeFetchTest, FromAnOldServerGitFetches) {
  before = hide_version;
  grow("refs/heads/main", 5, "x");
  plain_git(upstream, {"tag", "-a", "-m", "x", "v1", "main"});
  EXPECT_EQ(pull(), 5 * objects_of_commit + 1);
  EXPECT_EQ(count(fetches), 0U);
  EXPECT_THAT(server.requests().back().header("user-agent"), HasSubstr("git/"));
}

TEST_F(NativeFetchTest, RepositoriesOfOneHostMayDifferInWhatTheyCanDo) {
  const auto other = make_bare("srv/other.git");
  plain_git(other, {"config", "uploadpack.allowSidebandAll", "true"});
  grow("refs/heads/main", 3, "x");
  remote({}, "other.git")->list({});
  EXPECT_TRUE(http.capabilities(upstream_at(server.url("other.git")))->fetch_sideband_all);
  EXPECT_EQ(pull(), 3 * objects_of_commit);
  plain_git(upstream, {"config", "uploadpack.allowSidebandAll", "true"});
  grow("refs/heads/main", 1, "y", "refs/heads/main^0");
  EXPECT_LE(pull(), objects_of_commit + 1);
}

TEST_F(NativeFetchTest, BothWaysToVerifyTakeTheSame) {
  grow("refs/heads/main", 30, "x");
  for (const auto verify : {Verify::fsck, Verify::connectivity}) {
    EXPECT_EQ(pull(remote({}, "app.git", verify)),
              (verify == Verify::fsck ? 30 : 1) * objects_of_commit + (verify == Verify::fsck ? 0 : 1));
    grow("refs/heads/main", 1, "y", "refs/heads/main^0");
  }
  pull();
}

TEST_F(NativeFetchTest, TheServersWordsAreProgress) {
  grow("refs/heads/main", 30, "x");
  std::vector<std::string> lines;
  Operation operation;
  operation.progress = [&](std::string_view line) { lines.emplace_back(line); };
  pull(remote(operation));
  EXPECT_THAT(lines, Not(IsEmpty()));
  EXPECT_THAT(lines, Each(Not(HasSubstr("\n"))));
}

TEST_F(NativeFetchTest, ManyTagsOnOldHistoryThatIsHereNeedNoFetch) {
  const auto history = grow("refs/heads/main", 3000, "x");
  pull();
  for (size_t i = 0; i < 300; ++i) set_ref(upstream, fmt::format("refs/tags/v{}", i), history[i]);
  const auto fetched_before = count(fetches);
  EXPECT_EQ(pull(), 0U);
  EXPECT_EQ(count(fetches), fetched_before);
}

}  // namespace
}  // namespace refsyncd
