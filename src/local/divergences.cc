#include "local/divergences.h"

namespace refsyncd {

void Divergences::learn(const RefResults& results) {
  const std::scoped_lock lock(mutex_);
  for (const auto& ref : results) {
    if (ref.reason != Reason::non_fast_forward || !ref.before || !ref.offered) continue;
    const Pair pair(*ref.before, *ref.offered);
    if (!pairs_.insert(pair).second) continue;
    order_.push_back(pair);
    if (order_.size() <= capacity_) continue;
    pairs_.erase(order_.front());
    order_.pop_front();
  }
}

bool Divergences::known(const ObjectId& base, const ObjectId& tip) const {
  const std::scoped_lock lock(mutex_);
  return pairs_.contains({base, tip});
}

}  // namespace refsyncd
