#pragma once
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/clock.h"

namespace refsyncd {

/// A moment on both clocks.
struct Moment {
  WallTime wall;
  SteadyTime steady;
};

/// Which repository is looked at next, to see whether it needs maintenance. Each has its minute of the day,
/// and one that syncs have changed its minute of the hour too; which ones follows from the name, so that many
/// repositories spread evenly, and are looked at at the same times after every restart. Many changes bring a
/// repository forward, to ten minutes after the look before. Pure: time is an argument.
class MaintenanceRounds {
 public:
  /// From now on the repository takes part; nothing new for one that does.
  void know(const std::string& repo, const Moment& now);
  void forget(const std::string& repo);
  /// A sync has brought something in. The repository takes part from now on.
  void changed(const std::string& repo, const Moment& now);
  /// Takes the repository whose time has come first; its next time is tomorrow.
  std::optional<std::string> take(const Moment& now);
  /// The look did not come to its end: the next is not later than this.
  void again(const std::string& repo, SteadyTime at);

  /// When take() has something to give; SteadyTime::max() for never.
  SteadyTime next() const { return order_.empty() ? SteadyTime::max() : order_.begin()->first; }

 private:
  struct Entry {
    SteadyTime at{};
    SteadyTime looked = SteadyTime::min();
    uint32_t changes = 0;  // since it was last taken
  };
  using Entries = std::unordered_map<std::string, Entry>;

  void bring_forward(Entries::value_type& entry, SteadyTime at);
  void put(Entries::value_type& entry, SteadyTime at);

  Entries entries_;
  std::set<std::pair<SteadyTime, std::string_view>> order_;  // the names lie in entries_
};

}  // namespace refsyncd
