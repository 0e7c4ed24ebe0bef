#include "webhooks/retry.h"

#include <algorithm>

namespace refsyncd {
namespace {

constexpr int gone = 410;
constexpr milliseconds first_wait = std::chrono::seconds(10);
constexpr int growth = 3;
constexpr double largest_discount = 0.2;

}  // namespace

std::optional<milliseconds> wait_after(const FailedTry& failed, double roll) {
  if (failed.status == gone || failed.attempts >= most_tries || failed.age >= oldest_event)
    return std::nullopt;
  auto grown = first_wait;
  for (int i = 1; i < failed.attempts; ++i) grown *= growth;
  const auto own =
      std::chrono::floor<milliseconds>(grown * (1 - largest_discount * std::clamp(roll, 0.0, 1.0)));
  return std::max(own, failed.asked.value_or(milliseconds(0)));
}

}  // namespace refsyncd
