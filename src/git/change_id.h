#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "model/object_id.h"

namespace refsyncd {

/// Jujutsu's change id of a commit: 16 bytes as 32 letters, "reverse hexadecimal" (z is 0, k is 15). `header`
/// is the commit's `change-id` header, which holds one in that form; without it, or when it holds something
/// else, the id is the one Jujutsu makes up from the commit's id: its last 16 bytes, all their bits in
/// reverse order.
std::string change_id_of(const ObjectId& commit, std::optional<std::string_view> header);

/// Of the virtual root commit: what stands for "no commit yet".
inline constexpr std::string_view root_change_id = "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz";

}  // namespace refsyncd
