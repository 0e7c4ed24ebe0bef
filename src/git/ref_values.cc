#include "git/ref_values.h"

#include <algorithm>

namespace refsyncd {

const RefValue* find_ref(std::span<const RefValue> refs, std::string_view name) {
  const auto at =
      std::lower_bound(refs.begin(), refs.end(), name,
                       [](const RefValue& ref, std::string_view wanted) { return ref.name < wanted; });
  return at != refs.end() && at->name == name ? &*at : nullptr;
}

std::optional<ObjectId> value_in(std::span<const RefValue> refs, std::string_view name) {
  const auto* found = find_ref(refs, name);
  return found != nullptr ? std::optional(found->id) : std::nullopt;
}

}  // namespace refsyncd
