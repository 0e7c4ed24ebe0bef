#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <unordered_set>

#include "base/error.h"

namespace refsyncd {

/// Follows the pages of one list, and notices a list that loops or has no end.
class PageGuard {
 public:
  explicit PageGuard(size_t most_pages) : left_(most_pages) {}

  /// True when the page that `next_cursor` names should be asked for; false at the end of the list, or when
  /// there were enough pages. Throws Error(internal) for a cursor that was followed before.
  bool follow(const std::optional<std::string>& next_cursor) {
    if (!next_cursor) return false;
    if (!seen_.insert(*next_cursor).second) {
      throw Error(ErrorKind::internal, "unexpected answer: the pages of a list lead back to each other");
    }
    return --left_ > 0;
  }

 private:
  size_t left_;
  std::unordered_set<std::string> seen_;
};

}  // namespace refsyncd
