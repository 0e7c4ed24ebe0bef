#include "schedule/adaptive.h"

#include <algorithm>

namespace refsyncd {

milliseconds adaptive_interval(const Adaptive& adaptive, milliseconds quiet) {
  constexpr int part = 10;  // of the quiet time
  const auto least = std::max(adaptive.min, milliseconds(1));
  const auto wanted = quiet / part;
  if (wanted >= adaptive.max) return std::max(adaptive.max, least);
  auto interval = least;
  while (interval <= wanted / 2) interval *= 2;
  return interval;
}

}  // namespace refsyncd
