#include "mesa/polling.h"

#include <algorithm>

namespace refsyncd {
namespace {

using std::chrono::seconds;

constexpr milliseconds quickest{250};
constexpr milliseconds slowest = seconds(15);
constexpr milliseconds for_each_page{100};
constexpr size_t few = 20;

milliseconds moved(milliseconds delay, double roll) {
  return std::chrono::duration_cast<milliseconds>(delay * (0.8 + 0.4 * roll));
}

}  // namespace

milliseconds poll_delay(milliseconds age, double roll) {
  return moved(std::clamp(age / 4, quickest, slowest), roll);
}

milliseconds round_delay(milliseconds youngest, size_t pages, double roll) {
  const auto price = for_each_page * std::min<size_t>(pages, slowest / for_each_page);
  return moved(std::clamp<milliseconds>(youngest / 4, std::max<milliseconds>(quickest, price), slowest),
               roll);
}

milliseconds trouble_delay(int failures, double roll) {
  constexpr milliseconds most = seconds(60);
  return moved(std::min<milliseconds>(seconds(1) * (1 << std::min(failures - 1, 10)), most), roll);
}

Polling choose_polling(const InFlightFacts& facts) {
  const auto hidden = facts.syncs - facts.repos;
  const auto cost = facts.pages + hidden;
  return facts.syncs > few && cost * 2 < facts.syncs ? Polling::pages : Polling::singles;
}

}  // namespace refsyncd
