#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace refsyncd {

/// Parses a number of bytes as users write it: a whole number and a unit, "512MiB", "2GiB", "1TiB" ("B" and
/// "KiB" too). Nothing for anything else, or past 2^63 bytes.
std::optional<uint64_t> parse_size(std::string_view text);

/// The same notation, exact: "2GiB", 1536 MiB become "1536MiB", 10000 bytes "10000B".
std::string format_size(uint64_t bytes);

}  // namespace refsyncd
