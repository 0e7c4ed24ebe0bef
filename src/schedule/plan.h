#pragma once
#include <cstdint>
#include <functional>
#include <queue>
#include <vector>

#include "base/clock.h"

namespace refsyncd {

/// What is due when: a timer heap over small integer keys. Pure of time and policies: the caller says when
/// each key is due next. Memory is a few bytes a key; every operation is logarithmic.
class Plan {
 public:
  using Key = uint32_t;

  /// Sets or moves the key's time; WallTime::max() forgets it.
  void set(Key key, WallTime due);
  /// Forgets the key.
  void remove(Key key);
  void clear();
  /// The earliest time, or WallTime::max().
  WallTime next() const;
  /// The key's time, or WallTime::max().
  WallTime due(Key key) const;
  struct Due {
    Key key;
    WallTime at;
  };
  /// Takes out all keys with a time at or before `now`, earliest first, each once. They have no time until
  /// set again.
  std::vector<Due> take_due(WallTime now);
  size_t size() const { return size_; }
  /// Entries held, outdated ones included: at most twice size() and a constant.
  size_t footprint() const { return heap_.size(); }

 private:
  struct Entry {
    WallTime at;
    Key key;
    bool operator>(const Entry& other) const { return at != other.at ? at > other.at : key > other.key; }
  };
  bool current(const Entry& entry) const;
  void drop_outdated() const;
  void limit_outdated();

  mutable std::priority_queue<Entry, std::vector<Entry>, std::greater<>> heap_;  // may hold outdated entries
  std::vector<WallTime> due_;                                                    // by key; max() = none
  size_t size_ = 0;
};

}  // namespace refsyncd
