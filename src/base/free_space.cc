#include "base/free_space.h"

#include <algorithm>

#include "base/error.h"

namespace refsyncd {

Space space_at(const std::filesystem::path& path) {
  std::error_code problem;
  const auto space = std::filesystem::space(path, problem);
  if (problem) throw Error(ErrorKind::transient, path.string() + ": " + problem.message());
  return {.free = space.available, .total = space.capacity};
}

uint64_t free_floor(const Space& space) { return std::min<uint64_t>(space.total / 20, uint64_t{1} << 30); }

}  // namespace refsyncd
