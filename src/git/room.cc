#include "git/room.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/free_space.h"

namespace refsyncd {

std::optional<std::string> room_problem(const std::filesystem::path& folder, const Operation& operation) {
  const auto space = space_at(folder);
  const auto floor = operation.free_floor.value_or(free_floor(space));
  if (space.free >= floor) return std::nullopt;
  return fmt::format("only {} MiB are free where {} lies, and {} MiB are to stay free; make room",
                     space.free >> 20, folder.parent_path().string(), floor >> 20);
}

void check_room(const std::filesystem::path& folder, const Operation& operation) {
  if (const auto problem = room_problem(folder, operation)) throw Error(ErrorKind::transient, *problem);
}

}  // namespace refsyncd
