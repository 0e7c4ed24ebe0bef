#include "base/duration.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdint>

namespace refsyncd {
namespace {

struct Unit {
  std::string_view name;
  int64_t milliseconds;
};
constexpr std::array units{Unit{"w", 604'800'000}, Unit{"d", 86'400'000}, Unit{"h", 3'600'000},
                           Unit{"m", 60'000},      Unit{"s", 1'000},      Unit{"ms", 1}};
constexpr int64_t longest = int64_t{36'500} * 86'400'000;

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  if (text.empty()) return std::nullopt;
  int64_t total = 0;
  size_t next_unit = 0;
  while (!text.empty()) {
    int64_t count = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (problem != std::errc{} || count < 0 || text.front() == '-') return std::nullopt;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    const auto name = text.substr(0, text.find_first_of("0123456789"));
    while (next_unit < units.size() && units[next_unit].name != name) ++next_unit;
    if (next_unit == units.size()) return std::nullopt;
    const auto unit = units[next_unit++].milliseconds;
    if (count > (longest - total) / unit) return std::nullopt;
    total += count * unit;
    text.remove_prefix(name.size());
  }
  return std::chrono::milliseconds{total};
}

std::string format_duration(std::chrono::milliseconds duration) {
  const bool negative = duration.count() < 0;
  auto left = static_cast<uint64_t>(duration.count());
  if (left == 0) return "0s";
  std::string text = negative ? "-" : "";
  if (negative) left = 0 - left;  // unsigned, because the smallest duration has no positive twin
  for (const auto& unit : units) {
    const auto size = static_cast<uint64_t>(unit.milliseconds);
    if (unit.name == "w" || left < size) continue;
    text += fmt::format("{}{}", left / size, unit.name);
    left %= size;
  }
  return text;
}

}  // namespace refsyncd
