#pragma once
#include <optional>
#include <string>

#include "git/repository.h"

namespace refsyncd {

/// What decides which branch a repository's HEAD names.
struct HeadWish {
  std::string configured;  ///< full name of the branch that the repository is to be on; "" when nobody says
  std::string upstream;    ///< what the upstream's HEAD names; "" when it says nothing, or does not count
};

/// The branch that HEAD is to name from now on, when that is another one than `head` (a full name, or "" for
/// a HEAD that names a commit). The configured one as soon as it exists; until then the upstream's, while
/// HEAD names a branch that does not exist.
template <class Exists>
std::optional<std::string> next_head(const HeadWish& wish, const std::string& head, const Exists& exists) {
  const bool configured = !wish.configured.empty() && exists(wish.configured);
  if (!configured && (head.empty() || exists(head))) return std::nullopt;
  const auto& wished = configured ? wish.configured : wish.upstream;
  if (wished.empty() || wished == head || !exists(wished)) return std::nullopt;
  return wished;
}

/// Lets the repository's HEAD name what next_head() says. Throws Error.
void move_head(const Repository& repository, const HeadWish& wish);

}  // namespace refsyncd
