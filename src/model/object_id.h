#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace refsyncd {

/// The id of a Git object in a SHA-1 repository: 20 bytes. All zero means "absent", as in Git.
struct ObjectId {
  std::array<uint8_t, 20> bytes{};

  /// Reads 40 hexadecimal digits; nothing for anything else.
  static std::optional<ObjectId> from_hex(std::string_view text);
  std::string hex() const;
  bool absent() const { return *this == ObjectId{}; }

  auto operator<=>(const ObjectId&) const = default;  // NOLINT(modernize-use-nullptr): false alarm
};

}  // namespace refsyncd
