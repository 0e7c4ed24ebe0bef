#include "model/ref_globs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/text.h"

namespace refsyncd {
namespace {

constexpr std::string_view heads = "refs/heads/";
constexpr std::string_view tags_prefix = "refs/tags/";

bool any_matches(const std::vector<std::string>& patterns, std::string_view name) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return glob_matches(pattern, name); });
}

void add_prefixes(std::vector<std::string>& prefixes, std::string_view space,
                  const std::vector<std::string>& patterns) {
  for (const auto& pattern : patterns) {
    prefixes.push_back(fmt::format("{}{}", space, pattern.substr(0, pattern.find('*'))));
  }
}

}  // namespace

bool RefGlobs::matches(std::string_view ref_name) const {
  if (ref_name.starts_with(heads)) return any_matches(branches, ref_name.substr(heads.size()));
  if (ref_name.starts_with(tags_prefix)) return any_matches(tags, ref_name.substr(tags_prefix.size()));
  return false;
}

bool glob_matches(std::string_view pattern, std::string_view name) {
  size_t p = 0;
  size_t n = 0;
  size_t star = std::string_view::npos;  // where the last `*` stands, to come back to
  size_t tried = 0;                      // how far into the name that `*` reaches so far
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      tried = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++tried;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

std::string glob_problem(std::string_view pattern) {
  if (pattern.empty()) return "is empty; leave the key out to match nothing";
  if (pattern.starts_with("refs/")) return "must not start with refs/; write the branch or tag name alone";
  for (const unsigned char c : pattern) {
    if (c == '?' || c == '[')
      return fmt::format("holds '{}'; only '*' is special, and it also matches '/'", char(c));
    if (c <= 0x20 || c == 0x7F) return "holds a space or control character, which no ref name can";
    if (c == '~' || c == '^' || c == ':' || c == '\\')
      return fmt::format("holds '{}', which no ref name can", char(c));
  }
  if (pattern.find("..") != std::string_view::npos) return "holds '..', which no ref name can";
  if (pattern.find("@{") != std::string_view::npos) return "holds '@{', which no ref name can";
  if (pattern.find("//") != std::string_view::npos) return "holds '//', which no ref name can";
  if (pattern.front() == '/' || pattern.back() == '/')
    return "starts or ends with '/', which no ref name can";
  if (pattern.front() == '.' || pattern.find("/.") != std::string_view::npos) {
    return "has a part that starts with '.', which no ref name can";
  }
  if (pattern.find(".lock/") != std::string_view::npos) {
    return "has a part that ends with '.lock', which no ref name can";
  }
  if (pattern.back() == '.' || pattern.ends_with(".lock"))
    return "ends like no ref name can ('.' or '.lock')";
  return "";
}

std::string join_globs(const std::vector<std::string>& patterns) {
  return fmt::format("{}", fmt::join(patterns, " "));
}

std::vector<std::string> split_globs(std::string_view text) {
  std::vector<std::string> patterns;
  for (const auto part : split(text, ' ')) {
    if (!part.empty()) patterns.emplace_back(part);
  }
  return patterns;
}

std::vector<std::string> literal_prefixes(const RefGlobs& globs) {
  std::vector<std::string> prefixes;
  add_prefixes(prefixes, heads, globs.branches);
  add_prefixes(prefixes, tags_prefix, globs.tags);
  std::sort(prefixes.begin(), prefixes.end());
  std::vector<std::string> kept;  // sorted: whatever a shorter prefix covers follows it directly
  for (auto& prefix : prefixes) {
    if (kept.empty() || !prefix.starts_with(kept.back())) kept.push_back(std::move(prefix));
  }
  return kept;
}

}  // namespace refsyncd
