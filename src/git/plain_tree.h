#pragma once
#include <optional>
#include <string_view>

#include "git/plain_object.h"

namespace refsyncd {

/// What read_plain() does with a tree.
std::optional<PlainObject> plain_tree(std::string_view content);

/// True for a name in a tree that is harmless as the name of a file: no system takes it for a name of another
/// folder, for .git, or for another spelling of a file that Git itself reads. Not .gitmodules.
bool is_plain_entry_name(std::string_view name);

}  // namespace refsyncd
