#include "config/overlap.h"

#include <algorithm>
#include <vector>

namespace refsyncd {
namespace {

bool any_overlap(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::any_of(a.begin(), a.end(), [&](const std::string& x) {
    return std::any_of(b.begin(), b.end(), [&](const std::string& y) { return globs_overlap(x, y); });
  });
}

bool same_list(std::vector<std::string> a, std::vector<std::string> b) {
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  return a == b;
}

}  // namespace

bool globs_overlap(std::string_view a, std::string_view b) {
  if (a.find('*') == a.npos && b.find('*') == b.npos) return a == b;
  // meets[j]: some text matches the part of `a` seen so far and the first j characters of `b`.
  std::vector<bool> meets(b.size() + 1);
  meets[0] = true;
  for (size_t j = 0; j < b.size(); ++j) meets[j + 1] = b[j] == '*' && meets[j];
  for (const char x : a) {
    std::vector<bool> next(b.size() + 1);
    next[0] = x == '*' && meets[0];
    for (size_t j = 0; j < b.size(); ++j) {
      const bool star = x == '*' || b[j] == '*';
      next[j + 1] = star ? (meets[j + 1] || next[j] || meets[j]) : (meets[j] && x == b[j]);
    }
    meets = std::move(next);
  }
  return meets[b.size()];
}

bool globs_overlap(const RefGlobs& a, const RefGlobs& b) {
  return any_overlap(a.branches, b.branches) || any_overlap(a.tags, b.tags);
}

bool same_patterns(const RefGlobs& a, const RefGlobs& b) {
  return same_list(a.branches, b.branches) && same_list(a.tags, b.tags);
}

}  // namespace refsyncd
