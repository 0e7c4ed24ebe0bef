#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "model/object_id.h"

namespace refsyncd {

/// An object of a pack, and where it stands there.
struct PackedObject {
  ObjectId id;
  uint32_t offset = 0;

  bool operator==(const PackedObject&) const = default;
};

/// The objects of a pack, sorted by id, from the content of its index (gitformat-pack(5), version 2). Nothing
/// for what is no such index, for a pack of 2 GiB or more, and when an object stands in it twice.
std::optional<std::vector<PackedObject>> read_pack_index(std::string_view index);

}  // namespace refsyncd
