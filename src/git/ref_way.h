#pragma once
#include <cstdint>

namespace refsyncd {

/// How refs are written: each into a file of its own, all at once into packed-refs, or by git.
enum class RefWay { files, packed, git };

/// What some updates have in common.
struct RefWork {
  uint64_t refs = 0;
  bool deletes = false;
  bool have_files = false;   ///< their values are not, or not only, in packed-refs
  bool plain = true;         ///< see has_plain_refs()
  uint64_t packed_size = 0;  ///< bytes of packed-refs
};

/// The cheapest way that is as safe as git's: see the functions that go it.
RefWay way_to_write(const RefWork& work);

}  // namespace refsyncd
