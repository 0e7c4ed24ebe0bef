#include "config/overlap.h"

#include <gtest/gtest.h>

namespace refsyncd {
namespace {

/// All texts over an alphabet up to a length, the empty one included.
std::vector<std::string> texts(std::string_view alphabet, size_t length) {
  std::vector<std::string> all{""};
  for (size_t from = 0, round = 0; round < length; ++round) {
    const auto end = all.size();
    for (; from < end; ++from) {
      for (const char c : alphabet) all.push_back(all[from] + c);
    }
  }
  return all;
}

TEST(GlobsOverlap, ExactlyWhenSomeNameMatchesBoth) {
  const auto patterns = texts("ab*", 3);
  const auto names = texts("ab", 4);
  for (const auto& a : patterns) {
    for (const auto& b : patterns) {
      const bool both = std::any_of(names.begin(), names.end(), [&](const auto& name) {
        return glob_matches(a, name) && glob_matches(b, name);
      });
      EXPECT_EQ(globs_overlap(a, b), both) << "'" << a << "' and '" << b << "'";
    }
  }
}

TEST(GlobsOverlap, LooksAtBranchesAndTagsApart) {
  EXPECT_FALSE(
      globs_overlap(RefGlobs{.branches = {"*"}, .tags = {}}, RefGlobs{.branches = {}, .tags = {"*"}}));
  EXPECT_TRUE(
      globs_overlap(RefGlobs{.branches = {"a", "b*"}, .tags = {}}, RefGlobs{.branches = {"*c"}, .tags = {}}));
  EXPECT_TRUE(
      globs_overlap(RefGlobs{.branches = {}, .tags = {"v1"}}, RefGlobs{.branches = {}, .tags = {"v*"}}));
}

TEST(SamePatterns, IgnoresTheOrder) {
  EXPECT_TRUE(
      same_patterns({.branches = {"a", "b"}, .tags = {"c"}}, {.branches = {"b", "a"}, .tags = {"c"}}));
  EXPECT_FALSE(same_patterns({.branches = {"a"}, .tags = {}}, {.branches = {}, .tags = {"a"}}));
}

}  // namespace
}  // namespace refsyncd
