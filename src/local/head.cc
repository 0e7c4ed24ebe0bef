#include "local/head.h"

#include "git/ref_files.h"
#include "git/ref_values.h"

namespace refsyncd {

void move_head(const Repository& repository, const HeadWish& wish) {
  if (wish.configured.empty() && wish.upstream.empty()) return;
  std::optional<std::vector<RefValue>> held;
  const auto exists = [&](const std::string& name) {
    if (!held) held = read_refs(repository.path());
    return find_ref(*held, name) != nullptr;
  };
  if (const auto branch = next_head(wish, read_head_target(repository.path()), exists))
    repository.set_head(*branch);
}

}  // namespace refsyncd
