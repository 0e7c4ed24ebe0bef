#include "local/probe.h"

#include <gmock/gmock.h>

#include <future>

#include "git/native_upstream.h"

namespace refsyncd {
namespace {

using testing::IsNull;
using testing::NotNull;
using testing::SizeIs;

/// Questions to a real upstream about a real repository.
class AskingAnUpstream : public NativeUpstream {
 protected:
  Probed ask(const Repo& repo) {
    std::promise<Probed> told;
    probe_(request_, repo, [&](Probed probed) { told.set_value(std::move(probed)); });
    return told.get_future().get();
  }
  Probed ask() { return ask(repo_of(ours)); }
  Repo repo_of(const std::filesystem::path& path) const {
    return {.name = "app", .path = path.string(), .upstream = upstream_at(server.url("app.git"))};
  }
  /// Both sides hold a branch and so many tags, and packed them long ago.
  void hold_tags(size_t count) {
    const auto tip = grow("refs/heads/main", 1, "x").back();
    for (size_t i = 0; i < count; ++i) set_ref(upstream, fmt::format("refs/tags/v{}", i), tip);
    pull();
    pack_long_ago();
  }
  void pack_long_ago() const {
    plain_git(ours, {"pack-refs", "--all"});
    std::filesystem::last_write_time(ours / "packed-refs",
                                     std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  }

  SyncRequest request_{.repo = "app", .policy = "app-pull"};
  Divergences divergences_;
  Probe probe_ = make_probe(
      http, divergences_, [](const auto& task) { task(); }, [](const auto& task) { task(); });
};

TEST_F(AskingAnUpstream, TellsThatNothingChangedOrWhatIsListed) {
  const auto history = grow("refs/heads/main", 2, "x");
  const auto first = ask();
  EXPECT_THAT(first.unchanged, IsNull());
  ASSERT_THAT(first.listed, NotNull());
  EXPECT_EQ(first.listed->refs, read_refs(upstream));
  pull();
  const auto again = ask();
  ASSERT_THAT(again.unchanged, NotNull());
  EXPECT_THAT(*again.unchanged, SizeIs(1));
}

TEST_F(AskingAnUpstream, LeavesARepositoryThatCannotBeReadToTheSync) {
  grow("refs/heads/main", 1, "x");
  const auto loop = folder / "loop.git";
  std::filesystem::create_symlink(loop, loop);
  const auto refs_loop = make_bare("refs-loop.git");
  std::filesystem::create_symlink(refs_loop / "packed-refs", refs_loop / "packed-refs");
  for (const auto direction : {Direction::pull, Direction::push}) {
    request_.direction = direction;
    for (const auto& path : {loop, refs_loop}) {
      const auto probed = ask(repo_of(path));
      EXPECT_THAT(probed.unchanged, IsNull()) << path;
      EXPECT_FALSE(probed.failure) << path;
    }
  }
  EXPECT_EQ(http.listing(), 0U);
}

TEST_F(AskingAnUpstream, ComparesALongListOnce) {
  hold_tags(600);
  const auto first = ask().unchanged;
  ASSERT_THAT(first, NotNull());
  EXPECT_EQ(ask().unchanged, first) << "the very same results";
  EXPECT_EQ(count(lists), 3U) << "the upstream is asked each time";
}

TEST_F(AskingAnUpstream, ComparesALongListAgainWhenEitherSideChanged) {
  hold_tags(600);
  ask();
  grow("refs/heads/main", 1, "y", "refs/heads/main^0");
  EXPECT_THAT(ask().unchanged, IsNull()) << "the upstream has a new commit";
  pull();
  pack_long_ago();
  const auto then = ask().unchanged;
  ASSERT_THAT(then, NotNull());
  EXPECT_EQ(ask().unchanged, then);
  plain_git(ours, {"update-ref", "-d", "refs/tags/v0"});
  EXPECT_THAT(ask().unchanged, IsNull()) << "a tag went away here";
}

TEST_F(AskingAnUpstream, KnowsABranchThatStaysDivergedWithoutFetchingItAgain) {
  const auto old = grow("refs/heads/main", 2, "x");
  pull();
  grow("refs/heads/main", 1, "elsewhere", old.front().hex());
  EXPECT_THAT(ask().unchanged, IsNull()) << "only its objects tell";
  const auto held = old.back();
  const auto offered = *ObjectReader(upstream).value_of("refs/heads/main");
  divergences_.learn({RefResult{.name = "refs/heads/main",
                                .before = held,
                                .after = held,
                                .outcome = Outcome::rejected,
                                .reason = Reason::non_fast_forward,
                                .offered = offered,
                                .detail = ""}});
  const auto known = ask().unchanged;
  ASSERT_THAT(known, NotNull());
  ASSERT_THAT(*known, SizeIs(1));
  EXPECT_EQ(known->front().reason, Reason::non_fast_forward);
  EXPECT_EQ(known->front().after, held);
}

}  // namespace
}  // namespace refsyncd
