#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "local/probe.h"

namespace refsyncd {
namespace {

ObjectId id_of(char digit) { return *ObjectId::from_hex(std::string(40, digit)); }

/// A ref by a word: "main=1" is a branch, "v1=2" a tag; the digit stands for its value.
RefValue ref_of(const std::string& word) {
  const auto name = word.substr(0, word.find('='));
  return {.name = (name.starts_with("v") ? "refs/tags/" : "refs/heads/") + name, .id = id_of(word.back())};
}
std::vector<RefValue> refs_of(const std::vector<std::string>& words) {
  std::vector<RefValue> refs;
  for (const auto& word : words) refs.push_back(ref_of(word));
  std::sort(refs.begin(), refs.end());
  return refs;
}

struct Row {
  const char* name;
  Direction direction = Direction::pull;
  std::vector<std::string> held = {};    ///< by our repository, whose HEAD names main
  std::vector<std::string> listed = {};  ///< by the upstream
  std::string switches = {};             ///< force, prune, exclude=GLOB, only=GLOB (of branches)
  std::string upstream_head = "refs/heads/main";
  std::string head_wish = {};  ///< what the configuration wishes
  /// What becomes of each ref, or "work".
  std::vector<std::string> expected = {};
};

const std::vector<std::string> work{"work"};
constexpr auto push = Direction::push;

const std::vector<Row> rows{
    {.name = "two_empty_repositories"},
    {.name = "equal",
     .held = {"main=1", "v1=2"},
     .listed = {"main=1", "v1=2"},
     .expected = {"main unchanged", "v1 unchanged"}},
    {.name = "a_new_branch", .held = {"main=1"}, .listed = {"main=1", "topic=1"}, .expected = work},
    {.name = "a_new_tag", .held = {"main=1"}, .listed = {"main=1", "v1=1"}, .expected = work},
    {.name = "a_moved_branch", .held = {"main=1"}, .listed = {"main=2"}, .expected = work},
    {.name = "a_branch_that_is_known_to_have_diverged",
     .held = {"main=8"},
     .listed = {"main=9"},
     .expected = {"main rejected"}},
    {.name = "a_branch_that_has_diverged_and_another_that_moved",
     .held = {"main=8", "topic=1"},
     .listed = {"main=9", "topic=2"},
     .expected = work},
    {.name = "a_branch_that_has_diverged_with_force",
     .held = {"main=8"},
     .listed = {"main=9"},
     .switches = "force",
     .expected = work},
    {.name = "push_of_a_branch_that_is_known_to_have_diverged",
     .direction = push,
     .held = {"main=9"},
     .listed = {"main=8"},
     .expected = {"main rejected"}},
    {.name = "a_moved_tag_is_rejected_by_its_name",
     .held = {"main=1", "v1=1"},
     .listed = {"main=1", "v1=2"},
     .expected = {"main unchanged", "v1 rejected"}},
    {.name = "a_moved_tag_with_force",
     .held = {"main=1", "v1=1"},
     .listed = {"main=1", "v1=2"},
     .switches = "force",
     .expected = work},
    {.name = "what_is_excluded_is_filtered_new_or_moved",
     .held = {"main=1", "wip/a=1"},
     .listed = {"main=1", "wip/a=2", "wip/b=1"},
     .switches = "exclude=wip/*",
     .expected = {"main unchanged", "wip/a filtered", "wip/b filtered"}},
    {.name = "what_no_glob_matches_is_not_told",
     .held = {"main=1"},
     .listed = {"main=1", "topic=2"},
     .switches = "only=main",
     .expected = {"main unchanged"}},
    {.name = "what_only_we_have_stays_and_is_not_told",
     .held = {"main=1", "ours=2"},
     .listed = {"main=1"},
     .expected = {"main unchanged"}},
    {.name = "nothing_to_prune",
     .held = {"main=1"},
     .listed = {"main=1"},
     .switches = "prune",
     .expected = {"main unchanged"}},
    {.name = "something_to_prune",
     .held = {"gone=2", "main=1"},
     .listed = {"main=1"},
     .switches = "prune",
     .expected = work},
    {.name = "a_prune_that_the_guard_refuses",
     .held = {"a=1", "b=1", "main=1"},
     .listed = {"main=1"},
     .switches = "prune",
     .expected = {"a rejected", "b rejected", "main unchanged"}},
    {.name = "HEAD_names_what_does_not_exist_and_the_upstreams_does",
     .held = {"trunk=1"},
     .listed = {"trunk=1"},
     .upstream_head = "refs/heads/trunk",
     .expected = work},
    {.name = "HEAD_stays_where_it_is_while_that_exists",
     .held = {"main=1", "trunk=1"},
     .listed = {"main=1", "trunk=1"},
     .upstream_head = "refs/heads/trunk",
     .expected = {"main unchanged", "trunk unchanged"}},
    {.name = "HEAD_is_wished_elsewhere",
     .held = {"main=1", "trunk=1"},
     .listed = {"main=1", "trunk=1"},
     .head_wish = "refs/heads/trunk",
     .expected = work},
    {.name = "HEAD_is_wished_where_nothing_is",
     .held = {"main=1"},
     .listed = {"main=1"},
     .head_wish = "refs/heads/trunk",
     .expected = {"main unchanged"}},
    {.name = "HEAD_of_the_upstream_names_nothing",
     .held = {"trunk=1"},
     .listed = {"trunk=1"},
     .upstream_head = "",
     .expected = {"trunk unchanged"}},
    {.name = "push_of_what_is_there",
     .direction = push,
     .held = {"main=1"},
     .listed = {"main=1", "theirs=2"},
     .expected = {"main unchanged"}},
    {.name = "push_of_a_new_branch", .direction = push, .held = {"main=1"}, .expected = work},
    {.name = "push_of_a_moved_branch",
     .direction = push,
     .held = {"main=2"},
     .listed = {"main=1"},
     .expected = work},
    {.name = "push_of_a_tag_that_exists",
     .direction = push,
     .held = {"main=1", "v1=2"},
     .listed = {"main=1", "v1=1"},
     .expected = {"main unchanged", "v1 rejected"}},
    {.name = "push_of_what_is_excluded",
     .direction = push,
     .held = {"main=1", "wip=2"},
     .listed = {"main=1"},
     .switches = "exclude=wip",
     .expected = {"main unchanged", "wip filtered"}},
    {.name = "push_with_something_to_prune",
     .direction = push,
     .held = {"main=1"},
     .listed = {"main=1", "theirs=2"},
     .switches = "prune",
     .expected = work},
    {.name = "push_never_prunes_where_the_upstreams_HEAD_points",
     .direction = push,
     .held = {"other=1"},
     .listed = {"main=2", "other=1"},
     .switches = "prune",
     .expected = {"main rejected", "other unchanged"}},
    {.name = "push_leaves_HEAD_alone",
     .direction = push,
     .held = {"trunk=1"},
     .listed = {"trunk=1"},
     .upstream_head = "refs/heads/trunk",
     .expected = {"trunk unchanged"}},
};

class ResultsWithoutWork : public testing::TestWithParam<Row> {
 protected:
  static SyncRequest request(const Row& row) {
    SyncRequest request;
    request.direction = row.direction;
    request.force = row.switches == "force";
    request.prune = row.switches == "prune";
    const auto glob = row.switches.substr(row.switches.find('=') + 1);
    if (row.switches.starts_with("exclude=")) request.exclude.branches = {glob};
    if (row.switches.starts_with("only=")) request.globs = {.branches = {glob}, .tags = {}};
    return request;
  }
  /// Of values 8 and 9 it is known that 9 does not descend from 8.
  static const Divergences& diverged() {
    static Divergences known;
    RefResult rejected{.name = "refs/heads/x", .before = id_of('8'), .after = id_of('8')};
    rejected.outcome = Outcome::rejected;
    rejected.reason = Reason::non_fast_forward;
    rejected.offered = id_of('9');
    known.learn({rejected});
    return known;
  }
  static std::vector<std::string> told(const RefResults& results) {
    std::vector<std::string> lines;
    for (const auto& ref : results) {
      const auto name = ref.name.substr(ref.name.find('/', 5) + 1);
      lines.push_back(name + " " + std::string(to_string(ref.outcome)));
    }
    return lines;
  }
};

TEST_P(ResultsWithoutWork, AreAsTheSyncWouldTell) {
  const auto& row = GetParam();
  Repo repo;
  repo.head = row.head_wish;
  const auto results =
      results_without_work(request(row), repo, {.refs = refs_of(row.held), .head = "refs/heads/main"},
                           {.refs = refs_of(row.listed), .head_target = row.upstream_head}, diverged());
  EXPECT_EQ(results ? told(*results) : work, row.expected);
}

INSTANTIATE_TEST_SUITE_P(Table, ResultsWithoutWork, testing::ValuesIn(rows),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(A_broken_ref, is_nothing_that_a_push_may_pass_over) {
  const HeldRefs held{.refs = refs_of({"main=1"}), .head = "refs/heads/main", .any_broken = true};
  const Advertisement listed{.refs = held.refs, .head_target = held.head};
  SyncRequest request;
  EXPECT_TRUE(results_without_work(request, {}, held, listed, Divergences()));
  request.direction = Direction::push;
  EXPECT_FALSE(results_without_work(request, {}, held, listed, Divergences()));
}

}  // namespace
}  // namespace refsyncd
