#include "git/change_id.h"

#include <algorithm>

namespace refsyncd {
namespace {

char reverse_hex(unsigned digit) { return static_cast<char>('z' - digit); }

uint8_t bits_reversed(uint8_t byte) {
  uint8_t reversed = 0;
  for (int bit = 0; bit < 8; ++bit) reversed |= static_cast<uint8_t>((byte >> bit & 1) << (7 - bit));
  return reversed;
}

std::optional<std::string> written_id(std::string_view header) {
  if (header.size() != root_change_id.size()) return std::nullopt;
  std::string id(header);
  for (auto& letter : id) {
    if (letter >= 'K' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    if (letter < 'k' || letter > 'z') return std::nullopt;
  }
  return id;
}

}  // namespace

std::string change_id_of(const ObjectId& commit, std::optional<std::string_view> header) {
  if (header) {
    if (auto written = written_id(*header)) return std::move(*written);
  }
  std::string id;
  std::for_each(commit.bytes.rbegin(), commit.bytes.rend() - 4, [&](uint8_t byte) {
    const auto reversed = bits_reversed(byte);
    id += reverse_hex(reversed >> 4);
    id += reverse_hex(reversed & 15);
  });
  return id;
}

}  // namespace refsyncd
