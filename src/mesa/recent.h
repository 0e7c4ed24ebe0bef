#pragma once
#include <cstddef>
#include <deque>
#include <string>
#include <unordered_set>

namespace refsyncd {

/// Remembers the last so many names.
class Recent {
 public:
  explicit Recent(size_t most) : most_(most) {}

  /// True when the name is not among those remembered; it is from now on.
  bool is_new(const std::string& name) {
    if (!names_.insert(name).second) return false;
    order_.push_back(name);
    if (order_.size() > most_) {
      names_.erase(order_.front());
      order_.pop_front();
    }
    return true;
  }

 private:
  size_t most_;
  std::unordered_set<std::string> names_;
  std::deque<std::string> order_;
};

}  // namespace refsyncd
