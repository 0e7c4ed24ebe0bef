#include "model/ref_globs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <random>

namespace refsyncd {
namespace {

struct Row {
  const char* name;
  std::string_view pattern;
  std::string_view ref;
  bool expected;
};
class Glob : public testing::TestWithParam<Row> {};
TEST_P(Glob, matches) { EXPECT_EQ(glob_matches(GetParam().pattern, GetParam().ref), GetParam().expected); }
INSTANTIATE_TEST_SUITE_P(
    table, Glob,
    testing::Values(
        Row{"literal", "main", "main", true}, Row{"literal_is_not_a_prefix", "main", "main2", false},
        Row{"literal_is_not_a_suffix", "main", "xmain", false}, Row{"case_counts", "main", "Main", false},
        Row{"star_is_everything", "*", "release/1.0/rc", true},
        Row{"star_is_nothing_too", "main*", "main", true},
        Row{"star_crosses_slashes", "release/*", "release/1.0/rc", true},
        Row{"star_wants_what_stands_before_it", "release/*", "release", false},
        Row{"star_in_the_middle", "release/*/rc", "release/1/2/rc", true},
        Row{"star_in_front", "*/rc", "release/1.0/rc", true},
        Row{"star_in_front_wants_the_rest", "*/rc", "release/1.0/rc2", false},
        Row{"two_stars_backtrack", "*a*b", "xaxbxab", true}, Row{"two_stars_fail", "*a*b", "xaxbxa", false},
        Row{"double_star_is_a_star", "re**1", "release/1", true},
        Row{"question_mark_is_itself", "v?", "v1", false}, Row{"bracket_is_itself", "v[1]", "v[1]", true},
        Row{"dot_is_itself", "v1.0", "v1x0", false}, Row{"backslash_is_itself", "\\*", "\\x", true},
        Row{"empty_pattern_matches_the_empty_name", "", "", true},
        Row{"empty_pattern_matches_no_name", "", "a", false},
        Row{"star_matches_the_empty_name", "*", "", true},
        Row{"bytes_beyond_ascii", "z\xc3\xbc*", "z\xc3\xbcrich", true}),
    [](const auto& row) { return row.param.name; });

bool naive_match(std::string_view pattern, std::string_view name) {
  if (pattern.empty()) return name.empty();
  if (pattern[0] != '*')
    return !name.empty() && name[0] == pattern[0] && naive_match(pattern.substr(1), name.substr(1));
  for (size_t taken = 0; taken <= name.size(); ++taken) {
    if (naive_match(pattern.substr(1), name.substr(taken))) return true;
  }
  return false;
}

std::string random_text(std::mt19937& random, std::string_view alphabet, size_t longest) {
  std::string text(random() % (longest + 1), ' ');
  for (auto& c : text) c = alphabet[random() % alphabet.size()];
  return text;
}

TEST(Globs, match_like_the_naive_definition) {
  std::mt19937 random(5);
  int matched = 0;
  for (int i = 0; i < 50'000; ++i) {
    const auto pattern = random_text(random, "ab/**", 7);
    const auto name = random_text(random, "ab/", 9);
    const bool expected = naive_match(pattern, name);
    ASSERT_EQ(glob_matches(pattern, name), expected) << pattern << " " << name;
    matched += expected;
  }
  EXPECT_GT(matched, 1000);
}

TEST(Globs, stay_fast_for_hostile_patterns) {
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "*a";
  pattern += "*b";
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(glob_matches(pattern, std::string(10'000, 'a')));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST(Globs, look_at_branches_and_tags_apart) {
  const RefGlobs globs{.branches = {"main", "release/*"}, .tags = {"v*"}};
  EXPECT_TRUE(globs.matches("refs/heads/main"));
  EXPECT_TRUE(globs.matches("refs/heads/release/1"));
  EXPECT_TRUE(globs.matches("refs/tags/v1"));
  EXPECT_FALSE(globs.matches("refs/tags/main"));
  EXPECT_FALSE(globs.matches("refs/heads/v1"));
  EXPECT_FALSE(globs.matches("refs/notes/main"));
  EXPECT_FALSE(globs.matches("main"));
  EXPECT_FALSE(globs.matches(""));
}

TEST(Globs, absent_means_all_branches_and_tags_and_nothing_else) {
  EXPECT_TRUE(RefGlobs::all().matches("refs/heads/any/thing"));
  EXPECT_TRUE(RefGlobs::all().matches("refs/tags/any"));
  EXPECT_FALSE(RefGlobs::all().matches("refs/pull/1/head"));
  EXPECT_FALSE(RefGlobs::all().matches("HEAD"));
}

TEST(Globs, empty_lists_match_nothing) {
  EXPECT_TRUE(RefGlobs{}.empty());
  EXPECT_FALSE(RefGlobs{}.matches("refs/heads/main"));
  const RefGlobs branches_only{.branches = {"*"}, .tags = {}};
  EXPECT_FALSE(branches_only.empty());
  EXPECT_FALSE(branches_only.matches("refs/tags/v1"));
}

TEST(GlobProblems, are_none_for_what_can_match) {
  for (const auto* pattern : {"*", "main", "release/*", "v1.*", "*/rc", "a-b_c+d", "@", "z\xc3\xbcrich",
                              "a*.b", "-x", "locked", "x.locks/*", "*.*"}) {
    EXPECT_EQ(glob_problem(pattern), "") << pattern;
  }
}

TEST(GlobProblems, are_told_for_what_no_ref_name_can_be) {
  for (const auto* pattern : {"",       "refs/heads/main",
                              "v?",     "v[12]",
                              "a b",    "a\tb",
                              "a\x7f",  "a..b",
                              "a~1",    "a^",
                              "a:b",    "a\\b",
                              "a@{1}",  "a//b",
                              "/a",     "a/",
                              "a.",     "a.lock",
                              "*.lock", "a.lock/b",
                              ".a",     "a/.b",
                              "*/.b"}) {
    EXPECT_NE(glob_problem(pattern), "") << pattern;
  }
  EXPECT_NE(glob_problem(std::string_view("a\0b", 3)), "");
}

TEST(GlobProblems, name_the_offender) {
  EXPECT_EQ(glob_problem("v?"), "holds '?'; only '*' is special, and it also matches '/'");
  EXPECT_EQ(glob_problem("refs/heads/x"), "must not start with refs/; write the branch or tag name alone");
}

TEST(JoinedGlobs, come_apart_again) {
  for (const auto& patterns : {std::vector<std::string>{}, std::vector<std::string>{"*"},
                               std::vector<std::string>{"main", "release/*", "v1.*"}}) {
    EXPECT_EQ(split_globs(join_globs(patterns)), patterns);
  }
  EXPECT_EQ(join_globs({"main", "v*"}), "main v*");
  EXPECT_EQ(split_globs("  main   v* "), (std::vector<std::string>{"main", "v*"}));
}

TEST(Prefixes, are_what_stands_before_the_first_star) {
  EXPECT_EQ(literal_prefixes({.branches = {"release/*/rc", "main"}, .tags = {"v*"}}),
            (std::vector<std::string>{"refs/heads/main", "refs/heads/release/", "refs/tags/v"}));
  EXPECT_EQ(literal_prefixes(RefGlobs::all()), (std::vector<std::string>{"refs/heads/", "refs/tags/"}));
  EXPECT_EQ(literal_prefixes({}), std::vector<std::string>{});
}

TEST(Prefixes, leave_out_what_a_shorter_one_covers) {
  EXPECT_EQ(literal_prefixes({.branches = {"release/1", "release/*", "rel*", "release/1"}, .tags = {}}),
            std::vector<std::string>{"refs/heads/rel"});
}

TEST(Prefixes, cover_whatever_the_globs_match) {
  std::mt19937 random(9);
  for (int i = 0; i < 5000; ++i) {
    RefGlobs globs;
    for (auto n = random() % 4; n > 0; --n) globs.branches.push_back(random_text(random, "ab/*", 4));
    for (auto n = random() % 3; n > 0; --n) globs.tags.push_back(random_text(random, "ab/*", 4));
    const auto prefixes = literal_prefixes(globs);
    for (const auto* space : {"refs/heads/", "refs/tags/"}) {
      const auto name = space + random_text(random, "ab/", 6);
      const bool covered =
          std::any_of(prefixes.begin(), prefixes.end(), [&](const auto& p) { return name.starts_with(p); });
      ASSERT_TRUE(covered || !globs.matches(name)) << name;
    }
    for (size_t k = 1; k < prefixes.size(); ++k) ASSERT_FALSE(prefixes[k].starts_with(prefixes[k - 1]));
  }
}

}  // namespace
}  // namespace refsyncd
