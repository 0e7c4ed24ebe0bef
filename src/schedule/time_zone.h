#pragma once
#include <chrono>
#include <string>

#include "base/clock.h"

namespace date {
class time_zone;
}

namespace refsyncd {

/// A minute as a wall calendar and a wall clock show it, somewhere.
using LocalMinute = std::chrono::local_time<std::chrono::minutes>;

/// Answers how a time zone's clocks relate to UTC, after the system's time zone database. "UTC" needs no
/// database. A cheap value; safe from any thread.
class TimeZone {
 public:
  /// Throws Error(bad_config) for a zone that the database does not know.
  explicit TimeZone(const std::string& name);

  /// A stretch [begin, end) of the UTC time line on which the clocks keep one offset.
  struct Stretch {
    std::chrono::sys_seconds begin;
    std::chrono::sys_seconds end;
    std::chrono::seconds offset;  ///< local time minus UTC

    LocalMinute local(std::chrono::sys_seconds moment) const {
      return LocalMinute{std::chrono::floor<std::chrono::minutes>(moment.time_since_epoch() + offset)};
    }
    std::chrono::sys_seconds moment(LocalMinute local) const {
      return std::chrono::sys_seconds{local.time_since_epoch() - offset};
    }
  };
  Stretch stretch_at(std::chrono::sys_seconds moment) const;

  /// When the clocks first show this time; the first moment after the gap for a time they skip.
  std::chrono::sys_seconds first_moment(LocalMinute local) const;

 private:
  const date::time_zone* zone_ = nullptr;  // of the process-wide database; null for UTC
};

}  // namespace refsyncd
