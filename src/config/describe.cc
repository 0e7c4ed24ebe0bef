#include "config/describe.h"

#include <fmt/format.h>

#include "base/duration.h"
#include "base/handle.h"

namespace refsyncd {

std::string describe_schedule(const Policy& policy) {
  return std::visit(
      match{[](const Every& every) { return fmt::format("every {}", format_duration(every.interval)); },
            [](const CronSchedule& schedule) {
              return fmt::format("cron {} {}", schedule.expression, schedule.timezone);
            },
            [](const Adaptive& adaptive) {
              return fmt::format("every {} to {}", format_duration(adaptive.min),
                                 format_duration(adaptive.max));
            }},
      policy.schedule);
}

}  // namespace refsyncd
