#include "base/allocator.h"

#include <malloc.h>

namespace refsyncd {

void keep_freed_memory() {
  constexpr int kept = 32 << 20;
  ::mallopt(M_MMAP_THRESHOLD, kept);
  ::mallopt(M_TRIM_THRESHOLD, kept);
  ::mallopt(M_ARENA_MAX, 4);  // each keeps its own
}

void give_back_freed_memory() { ::malloc_trim(0); }

}  // namespace refsyncd
