#include "schedule/time_zone.h"

#include <date/tz.h>
#include <fmt/format.h>

#include <exception>

#include "base/error.h"
#include "base/text.h"

namespace refsyncd {

using std::chrono::sys_seconds;

TimeZone::TimeZone(const std::string& name) {
  if (name == "UTC") return;
  try {
    zone_ = date::locate_zone(name);
  } catch (const std::exception&) {
    throw Error(ErrorKind::bad_config, fmt::format("time zone '{}' is not in the system's time zone database",
                                                   printable(name, 100)));
  }
}

TimeZone::Stretch TimeZone::stretch_at(sys_seconds moment) const {
  if (zone_ == nullptr) return {sys_seconds::min(), sys_seconds::max(), std::chrono::seconds::zero()};
  const auto info = zone_->get_info(moment);
  return {info.begin, info.end, info.offset};
}

sys_seconds TimeZone::first_moment(LocalMinute local) const {
  const std::chrono::seconds since_epoch = local.time_since_epoch();
  if (zone_ == nullptr) return sys_seconds{since_epoch};
  const auto info = zone_->get_info(date::local_seconds{since_epoch});
  if (info.result == date::local_info::nonexistent) return info.first.end;
  return sys_seconds{since_epoch - info.first.offset};
}

}  // namespace refsyncd
