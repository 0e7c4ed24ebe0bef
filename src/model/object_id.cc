#include "model/object_id.h"

#include "base/text.h"

namespace refsyncd {
namespace {

constexpr uint8_t no_digit = 0xFF;

/// The value of each byte as a hexadecimal digit.
constexpr auto digit_values = [] {
  std::array<uint8_t, 256> values{};
  values.fill(no_digit);
  for (uint8_t i = 0; i < 10; ++i) values['0' + i] = i;
  for (uint8_t i = 0; i < 6; ++i) values['a' + i] = values['A' + i] = static_cast<uint8_t>(10 + i);
  return values;
}();

uint8_t digit(char c) { return digit_values[static_cast<unsigned char>(c)]; }

}  // namespace

std::optional<ObjectId> ObjectId::from_hex(std::string_view text) {
  ObjectId id;
  if (text.size() != 2 * id.bytes.size()) return std::nullopt;
  unsigned seen = 0;
  for (size_t i = 0; i < id.bytes.size(); ++i) {
    const auto high = digit(text[2 * i]);
    const auto low = digit(text[2 * i + 1]);
    seen |= high | low;
    id.bytes[i] = static_cast<uint8_t>(high << 4 | low);
  }
  if (seen > 0xF) return std::nullopt;
  return id;
}

std::string ObjectId::hex() const { return hex_of(bytes); }

}  // namespace refsyncd
