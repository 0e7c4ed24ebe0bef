#include "mesa/fan_out.h"

#include <algorithm>
#include <string>

namespace refsyncd {
namespace {

using Patterns = std::vector<std::string>;

/// Of patterns that cover each other, the first stays. A `*` in the covered one is a character like any
/// other: only a `*` of the covering one can match it.
Patterns uncovered(const Patterns& patterns) {
  Patterns kept;
  for (const auto& pattern : patterns) {
    const auto covers = [&](const std::string& other) { return glob_matches(other, pattern); };
    const auto covered = [&](const std::string& other) { return glob_matches(pattern, other); };
    if (std::any_of(kept.begin(), kept.end(), covers)) continue;
    std::erase_if(kept, covered);
    kept.push_back(pattern);
  }
  return kept;
}

Patterns only(const Patterns& patterns, size_t index) {
  return index < patterns.size() ? Patterns{patterns[index]} : Patterns{};
}

}  // namespace

std::vector<RefGlobs> fan_out(const RefGlobs& globs) {
  const auto branches = uncovered(globs.branches);
  const auto tags = uncovered(globs.tags);
  const auto count = std::max({branches.size(), tags.size(), size_t{1}});
  std::vector<RefGlobs> parts;
  parts.reserve(count);
  for (size_t i = 0; i < count; ++i) parts.push_back({.branches = only(branches, i), .tags = only(tags, i)});
  return parts;
}

}  // namespace refsyncd
