#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace refsyncd {

/// What a pack will cost whoever unpacks it.
struct PackSize {
  size_t objects = 0;
  size_t deltas = 0;
  /// Bytes of all objects, and of what deltas are made against. A few bytes of delta may make gigabytes.
  uint64_t unpacked = 0;
};

/// Measures a whole pack without holding any of its objects. Nothing when it is incomplete or damaged, or
/// would unpack to more than `limit` bytes.
std::optional<PackSize> measure_pack(std::string_view pack, uint64_t limit);

}  // namespace refsyncd
