#include "git/pack_index.h"

#include <algorithm>

namespace refsyncd {
namespace {

constexpr std::string_view start("\xFFtOc\0\0\0\2", 8);
constexpr size_t number_bytes = 4;
constexpr size_t id_bytes = 20;
constexpr size_t fanout_bytes = 256 * number_bytes;
constexpr size_t sums_bytes = 2 * id_bytes;

uint32_t number_at(std::string_view bytes, size_t at) {
  uint32_t number = 0;
  for (const char byte : bytes.substr(at, number_bytes)) number = number << 8 | static_cast<uint8_t>(byte);
  return number;
}

}  // namespace

std::optional<std::vector<PackedObject>> read_pack_index(std::string_view index) {
  constexpr size_t ids = start.size() + fanout_bytes;
  if (!index.starts_with(start) || index.size() < ids + sums_bytes) return std::nullopt;
  const size_t count = number_at(index, ids - number_bytes);
  const size_t offsets = ids + count * (id_bytes + number_bytes);  // between them a checksum each
  if (index.size() != offsets + count * number_bytes + sums_bytes) return std::nullopt;
  std::vector<PackedObject> objects(count);
  for (size_t i = 0; i < count; ++i) {
    const auto id = index.substr(ids + i * id_bytes, id_bytes);
    std::copy(id.begin(), id.end(), objects[i].id.bytes.begin());
    objects[i].offset = number_at(index, offsets + i * number_bytes);
    const bool in_large_table = objects[i].offset >> 31 != 0;
    if (in_large_table || (i > 0 && objects[i - 1].id >= objects[i].id)) return std::nullopt;
  }
  return objects;
}

}  // namespace refsyncd
