#pragma once
#include <compare>
#include <cstdint>

namespace refsyncd {

/// A place in a text: line and column from 1, the column in bytes.
struct Place {
  uint32_t line = 1;
  uint32_t column = 1;

  bool operator==(const Place&) const = default;
  auto operator<=>(const Place&) const = default;  // NOLINT(modernize-use-nullptr): false alarm
};

}  // namespace refsyncd
