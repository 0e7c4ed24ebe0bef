#include "local/head.h"

#include <gtest/gtest.h>

#include <set>

#include "git/real_git.h"
#include "git/ref_files.h"

namespace refsyncd {
namespace {

struct Row {
  const char* name;
  std::string configured;
  std::string upstream;
  std::string head;
  std::set<std::string> branches;
  std::optional<std::string> next;
  bool gone = false;
};

const Row rows[] = {
    {"a_head_that_exists_stays", "", "b", "a", {"a", "b"}, {}},
    {"a_missing_one_follows_the_upstream", "", "b", "a", {"b"}, "b"},
    {"nobody_follows_to_what_is_missing", "", "b", "a", {}, {}},
    {"the_upstream_may_say_nothing", "", "", "a", {"b"}, {}},
    {"the_upstream_may_say_the_same", "", "a", "a", {}, {}},
    {"a_commit_stays", "", "b", "", {"b"}, {}},
    {"the_configured_branch_wins", "c", "b", "a", {"a", "b", "c"}, "c"},
    {"and_over_a_commit", "c", "b", "", {"b", "c"}, "c"},
    {"once_it_exists", "c", "b", "a", {"a", "b"}, {}},
    {"until_then_the_upstreams_counts", "c", "b", "a", {"b"}, "b"},
    {"one_that_is_gone_upstream_follows_it", "", "b", "a", {"a", "b"}, "b", true},
    {"but_not_to_what_is_missing", "", "b", "a", {"a"}, {}, true},
    {"nor_to_nothing", "", "", "a", {"a"}, {}, true},
    {"nor_away_from_the_configured_branch", "c", "b", "c", {"b", "c"}, {}, true},
    {"and_is_named_once", "c", "b", "c", {"b", "c"}, {}},
};

class NextHead : public testing::TestWithParam<Row> {};

TEST_P(NextHead, follows_from_the_wish_and_the_branches) {
  const auto& row = GetParam();
  const auto exists = [&](const std::string& name) { return row.branches.contains(name); };
  EXPECT_EQ(
      next_head({.configured = row.configured, .upstream = row.upstream, .gone = row.gone}, row.head, exists),
      row.next);
}

INSTANTIATE_TEST_SUITE_P(Rows, NextHead, testing::ValuesIn(rows),
                         [](const auto& tested) { return tested.param.name; });

class Head : public RealGit {};

TEST_F(Head, moves_in_the_repository) {
  const auto path = make_bare("app.git");
  set_ref(path, "refs/heads/trunk", commit(path, "one"));
  const auto repository = Repository::open(git, path, false);
  move_head(repository, {.configured = {}, .upstream = "refs/heads/missing"});
  EXPECT_EQ(read_head_target(path), "refs/heads/main");
  move_head(repository, {.configured = {}, .upstream = "refs/heads/trunk"});
  EXPECT_EQ(read_head_target(path), "refs/heads/trunk");
}

}  // namespace
}  // namespace refsyncd
