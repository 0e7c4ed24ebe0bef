#include "schedule/next_due.h"

#include <algorithm>
#include <optional>

#include "base/handle.h"
#include "base/text.h"
#include "schedule/adaptive.h"
#include "schedule/calendar.h"
#include "schedule/time_zone.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;
using std::chrono::sys_days;
using std::chrono::year;

// Beyond these years the calendar and 64-bit milliseconds are left in peace.
constexpr WallTime first_moment = sys_days{year(1) / 1 / 1};
constexpr WallTime last_moment = sys_days{year(9999) / 12 / 31};

/// A number in [0, 1) that belongs to a policy and one of its due times (SplitMix64's output function).
double roll(std::string_view name, int64_t k) {
  uint64_t mixed = stable_hash(name) + static_cast<uint64_t>(k) * 0x9E3779B97F4A7C15ULL;
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9ULL;
  mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBULL;
  return static_cast<double>((mixed ^ (mixed >> 31)) >> 11) * 0x1.0p-53;
}

/// What is spread is spread over whole tenths of a second: policies that are due at nearly the same time then
/// share one waking of the agent and of its threads, which costs more than most of their syncs.
milliseconds coarsely(milliseconds time) {
  constexpr auto step = 100ms;
  return time - time % step;
}

/// `whole` times a factor in [0, 1), rounded down: always less than `whole` unless that is zero.
milliseconds part_of(milliseconds whole, double factor) {
  return milliseconds(static_cast<int64_t>(static_cast<double>(whole.count()) * factor));
}

milliseconds jitter_of_interval(const Jitter& jitter, milliseconds interval) {
  const bool sensible = jitter.fraction > 0;  // false for a NaN too
  const auto wanted = jitter.time != 0ms ? jitter.time
                      : sensible         ? part_of(interval, std::min(jitter.fraction, 1.0))
                                         : 0ms;
  return std::clamp(wanted, 0ms, interval);
}

WallTime next_on_grid(const Every& every, const Policy& policy, WallTime after) {
  const auto interval = std::max(every.interval, 1ms);
  const auto jitter = jitter_of_interval(policy.jitter, interval);
  const auto phase =
      coarsely(milliseconds(stable_hash(policy.name) % static_cast<uint64_t>(interval.count())));

  // A due time lies less than one interval after its point of the grid, so it never passes the next one: of
  // all that lie after `after`, the first belongs to the last point at or before it, or to the point after
  // that.
  const auto since = after - WallTime{phase};
  const auto k = since / interval - (since % interval < 0ms ? 1 : 0);
  const auto due = [&](int64_t point) {
    return WallTime{phase + point * interval + coarsely(part_of(jitter, roll(policy.name, point)))};
  };
  return due(k) > after ? due(k) : due(k + 1);
}

/// The due times of a cron expression.
class CalendarTimes {
 public:
  CalendarTimes(const CronSchedule& schedule, const Policy& policy)
      : cron_(schedule.cron),
        zone_(schedule.timezone),
        name_(policy.name),
        jitter_(std::max(policy.jitter.time, 0ms)) {}

  WallTime next(WallTime after) const {
    if (jitter_ > 0ms) {
      // Jitter may have moved the last calendar time so far past `after`.
      const auto last = last_calendar_time(after);
      if (last && jittered(*last) > after) return jittered(*last);
    }
    const auto next = next_calendar_time(cron_, zone_, after);
    return next ? jittered(*next) : WallTime::max();
  }

 private:
  /// The last calendar time at or before `moment`, if it is near enough for jitter to reach over `moment`.
  std::optional<WallTime> last_calendar_time(WallTime moment) const {
    for (milliseconds back = 1min;; back *= 2) {
      const auto reach = std::min(back, jitter_);
      auto found = next_calendar_time(cron_, zone_, moment - reach);
      if (found && *found <= moment) {
        for (auto later = found; later && *later <= moment; later = next_calendar_time(cron_, zone_, *later))
          found = later;
        return found;
      }
      if (reach == jitter_) return std::nullopt;
    }
  }

  WallTime jittered(WallTime time) const {
    if (jitter_ == 0ms) return time;
    const auto next = next_calendar_time(cron_, zone_, time);
    const auto room = next ? std::min<milliseconds>(jitter_, *next - time) : jitter_;
    return time + coarsely(part_of(room, roll(name_, time.time_since_epoch() / 1min)));
  }

  const Cron& cron_;
  TimeZone zone_;
  const std::string& name_;
  milliseconds jitter_;
};

}  // namespace

WallTime next_due(const Policy& policy, WallTime after, std::optional<WallTime> last_change) {
  if (after >= last_moment) return WallTime::max();
  const auto from = std::max(after, first_moment);
  return std::visit(match{[&](const Every& every) { return next_on_grid(every, policy, from); },
                          [&](const CronSchedule& cron) { return CalendarTimes(cron, policy).next(from); },
                          [&](const Adaptive& adaptive) {
                            const auto quiet = last_change ? from - *last_change : 0ms;
                            return next_on_grid({adaptive_interval(adaptive, quiet)}, policy, from);
                          }},
                    policy.schedule);
}

WallTime stale_at(const Policy& policy, WallTime last_success, std::optional<WallTime> last_change) {
  const auto later = [](WallTime time, milliseconds by) {
    return time >= last_moment ? WallTime::max() : time + by;
  };
  if (policy.stale_after > 0ms) return later(last_success, policy.stale_after);
  auto due = last_success;
  for (int missed = 0; missed < 3; ++missed) due = next_due(policy, due, last_change);
  return later(due, policy.timeout);
}

}  // namespace refsyncd
