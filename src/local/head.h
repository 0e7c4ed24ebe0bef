#pragma once
#include <optional>
#include <string>

#include "git/repository.h"

namespace refsyncd {

/// What decides which branch a repository's HEAD names.
struct HeadWish {
  std::string configured;  ///< full name of the branch that the repository is to be on; "" when nobody says
  std::string upstream;    ///< what the upstream's HEAD names; "" when it says nothing, or does not count
  bool gone = false;  ///< HEAD's branch is gone at the upstream, and prune would delete it here but for HEAD
};

/// The branch that HEAD is to name from now on, when that is another one than `head` (a full name, or "" for
/// a HEAD that names a commit). The configured one as soon as it exists; until then the upstream's, while
/// HEAD names a branch that does not exist here, or is gone there.
template <class Exists>
std::optional<std::string> next_head(const HeadWish& wish, const std::string& head, const Exists& exists) {
  const bool configured = !wish.configured.empty() && exists(wish.configured);
  if (!configured && (head.empty() || (exists(head) && !wish.gone))) return std::nullopt;
  const auto& wished = configured ? wish.configured : wish.upstream;
  if (wished.empty() || wished == head || !exists(wished)) return std::nullopt;
  return wished;
}

/// Lets the repository's HEAD name what next_head() says. Throws Error.
void move_head(const Repository& repository, const HeadWish& wish);

}  // namespace refsyncd
