#include "base/size.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace refsyncd {
namespace {

struct Unit {
  std::string_view name;
  int shift;
};
constexpr std::array units{Unit{"TiB", 40}, Unit{"GiB", 30}, Unit{"MiB", 20}, Unit{"KiB", 10}, Unit{"B", 0}};
constexpr uint64_t most = uint64_t{1} << 63;

}  // namespace

std::optional<uint64_t> parse_size(std::string_view text) {
  uint64_t count = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (problem != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  const auto unit =
      std::find_if(units.begin(), units.end(), [&](const Unit& known) { return known.name == text; });
  if (unit == units.end() || count > most >> unit->shift) return std::nullopt;
  return count << unit->shift;
}

std::string format_size(uint64_t bytes) {
  const auto unit = std::find_if(units.begin(), units.end(), [&](const Unit& candidate) {
    return bytes != 0 && bytes % (uint64_t{1} << candidate.shift) == 0;
  });
  if (unit == units.end()) return "0B";
  return fmt::format("{}{}", bytes >> unit->shift, unit->name);
}

}  // namespace refsyncd
