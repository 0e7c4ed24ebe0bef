#pragma once
#include <cstdint>
#include <string_view>

#include "base/error.h"

namespace refsyncd {

/// What an upstream has that no Remote takes, whoever speaks to it. Each is Error(bad_config) and says what
/// to do.

/// It lacks part of its history, so what we would hold of it were not whole either.
Error shallow_upstream(std::string_view url);

/// It sends a pack of more bytes than Operation::max_pack_bytes.
Error pack_too_large(uint64_t most);

}  // namespace refsyncd
