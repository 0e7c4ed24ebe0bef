#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace refsyncd {

/// Parses a duration as users write it: one or more number-unit pairs from large to small, "90s", "5m",
/// "1h30m", "250ms", "7d", "2w". Nothing for anything else, for a repeated or misordered unit, or past about
/// 100 years.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// The same notation, exact: "1h30m", "90s" becomes "1m30s", zero is "0s".
std::string format_duration(std::chrono::milliseconds duration);

}  // namespace refsyncd
