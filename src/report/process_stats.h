#pragma once
#include <cstdint>

namespace refsyncd {

/// What the kernel says of this process (proc(5)). Zero where it would not say.
struct ProcessStats {
  double start_time =
      0;  ///< seconds since the epoch; the same in every reading, whatever the clock does meanwhile
  double cpu_seconds = 0;
  uint64_t resident_bytes = 0;
  uint64_t open_fds = 0;
  uint64_t max_fds = 0;
};

/// Reads them now; never throws.
ProcessStats read_process_stats();

}  // namespace refsyncd
