#include "model/policy.h"

namespace refsyncd {

std::string_view to_string(Direction direction) {
  switch (direction) {
    case Direction::pull: return "pull";
    case Direction::push: return "push";
  }
  return "pull";
}

std::optional<Direction> direction_from(std::string_view name) {
  if (name == "pull") return Direction::pull;
  if (name == "push") return Direction::push;
  return std::nullopt;
}

std::string_view to_string(Transport transport) {
  switch (transport) {
    case Transport::https: return "https";
    case Transport::http: return "http";
    case Transport::ssh: return "ssh";
    case Transport::file: return "file";
  }
  return "file";
}

}  // namespace refsyncd
