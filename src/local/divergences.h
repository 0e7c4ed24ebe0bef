#pragma once
#include <cstddef>
#include <deque>
#include <mutex>
#include <set>
#include <utility>

#include "model/sync.h"

namespace refsyncd {

/// Pairs of commits of which the second is known not to descend from the first. Commits are named by their
/// content, so that what was found once stays so: a branch that has diverged is told so again without its
/// objects, and is not fetched again at each sync. Keeps the latest pairs. Any thread.
class Divergences {
 public:
  explicit Divergences(size_t capacity = 65'536) : capacity_(capacity) {}

  /// Takes in what the objects said of a sync's refs.
  void learn(const RefResults& results);
  /// Whether `tip` is known not to descend from `base`.
  bool known(const ObjectId& base, const ObjectId& tip) const;

 private:
  using Pair = std::pair<ObjectId, ObjectId>;

  const size_t capacity_;
  mutable std::mutex mutex_;
  std::set<Pair> pairs_;
  std::deque<Pair> order_;  // oldest first
};

}  // namespace refsyncd
