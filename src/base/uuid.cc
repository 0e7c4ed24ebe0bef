#include "base/uuid.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <charconv>
#include <cstdint>
#include <mutex>
#include <stdexcept>

namespace refsyncd {

std::string new_uuid(WallTime now) {
  static std::mutex mutex;
  static int64_t last_millisecond = 0;
  static uint32_t counter = 0;

  uint64_t random[2];
  // The kernel gives up to 256 bytes whole, once it has started (getrandom(2)).
  if (::getrandom(random, sizeof random, 0) != sizeof random) {
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

std::optional<WallTime> time_of_uuid(std::string_view text) {
  if (text.size() < 36 || text[8] != '-' || text[14] != '7') return std::nullopt;
  const auto digits = fmt::format("{}{}", text.substr(0, 8), text.substr(9, 4));  // the first 48 bits
  int64_t millisecond = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), millisecond, 16);
  if (problem != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return WallTime{milliseconds{millisecond}};
}

}  // namespace refsyncd
