#include "base/uuid.h"

#include <fmt/format.h>
#include <openssl/rand.h>

#include <cstdint>
#include <mutex>
#include <stdexcept>

namespace refsyncd {

std::string new_uuid(WallTime now) {
  static std::mutex mutex;
  static int64_t last_millisecond = 0;
  static uint32_t counter = 0;

  uint64_t random[2];
  if (RAND_bytes(reinterpret_cast<unsigned char*>(random), sizeof random) != 1) {
    throw std::runtime_error("the system's random generator is not available");
  }
  const std::scoped_lock lock(mutex);
  const auto millisecond = now.time_since_epoch().count();
  if (millisecond > last_millisecond) {
    last_millisecond = millisecond;
    counter = static_cast<uint32_t>(random[0] &
                                    0x7FF);  // starts low, so that 2048 or more ids fit into a millisecond
  } else if (++counter > 0xFFF) {
    ++last_millisecond;  // borrowed from the future rather than out of order
    counter = 0;
  }
  const auto time = static_cast<uint64_t>(last_millisecond) & 0xFFFFFFFFFFFFULL;
  return fmt::format("{:08x}-{:04x}-7{:03x}-{:04x}-{:012x}", time >> 16, time & 0xFFFF, counter,
                     0x8000 | (random[1] >> 50), random[1] & 0xFFFFFFFFFFFFULL);
}

}  // namespace refsyncd
