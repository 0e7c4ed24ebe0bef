#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>

#include "git/objects.h"

namespace refsyncd {

/// A pack as it came, before bases were added to its end.
struct SentPack {
  size_t objects = 0;
  uint64_t bytes = 0;
};

/// What is known of a pack of plain objects.
struct PlainPack {
  bool self_contained = false;  ///< as in IngestResult
};

/// Looks at every object that was sent in the pack of this index, as `git index-pack --strict` does: each is
/// plain (see read_plain()), what it names is there among `objects`, which see the pack, and of the right
/// type, and files that are called .gitattributes are plain attributes, wherever they were before. Nothing
/// when that is not so, cannot be found out, or would take long: git is to decide then.
std::optional<PlainPack> find_plain(const Objects& objects, const std::filesystem::path& index,
                                    const SentPack& sent);

}  // namespace refsyncd
