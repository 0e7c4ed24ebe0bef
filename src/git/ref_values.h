#pragma once
#include <optional>
#include <span>
#include <string_view>

#include "git/remote.h"

namespace refsyncd {

/// The ref of that name among refs sorted by name; nullptr when it is not there.
const RefValue* find_ref(std::span<const RefValue> refs, std::string_view name);

/// Its value.
std::optional<ObjectId> value_in(std::span<const RefValue> refs, std::string_view name);

}  // namespace refsyncd
