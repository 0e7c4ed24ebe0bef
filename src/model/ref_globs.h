#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace refsyncd {

/// Which refs a sync is about. Patterns match names without refs/heads/ or refs/tags/; `*` matches any run of
/// characters, slashes included; every other character stands for itself (the sync contract's globs). An
/// empty list matches nothing.
struct RefGlobs {
  std::vector<std::string> branches;
  std::vector<std::string> tags;

  /// All branches and tags: what an absent `ref_globs` means.
  static RefGlobs all() { return {.branches = {"*"}, .tags = {"*"}}; }
  bool empty() const { return branches.empty() && tags.empty(); }
  /// True when the full ref name ("refs/heads/main") is a branch or tag that some pattern matches.
  bool matches(std::string_view ref_name) const;

  bool operator==(const RefGlobs&) const = default;
};

/// True when the whole name matches the pattern. Linear in pattern times name, also for hostile patterns.
bool glob_matches(std::string_view pattern, std::string_view name);

/// Why a pattern can never match a ref name (git-check-ref-format(1)), or "" when it can: it holds a space,
/// `?`, `[`,
/// `..`, a control character ..., or starts with refs/.
std::string glob_problem(std::string_view pattern);

/// Patterns as the contract's one string: joined by spaces, which no ref name may hold. "" for none.
std::string join_globs(const std::vector<std::string>& patterns);
/// The inverse of join_globs.
std::vector<std::string> split_globs(std::string_view text);

/// Full ref name prefixes that together cover everything the globs can match ("refs/heads/release/"), without
/// duplicates, for narrowing a list of refs.
std::vector<std::string> literal_prefixes(const RefGlobs& globs);

}  // namespace refsyncd
