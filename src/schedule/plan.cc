#include "schedule/plan.h"

#include <utility>

namespace refsyncd {
namespace {

constexpr WallTime none = WallTime::max();
constexpr size_t tolerated = 64;  // outdated entries that are not worth a rebuild

}  // namespace

void Plan::set(Key key, WallTime due) {
  if (due == none) return remove(key);
  if (key >= due_.size()) due_.resize(size_t{key} + 1, none);
  if (due_[key] == due) return;
  if (due_[key] == none) ++size_;
  due_[key] = due;
  heap_.push({due, key});
  limit_outdated();
}

void Plan::remove(Key key) {
  if (due(key) == none) return;
  due_[key] = none;
  --size_;
  limit_outdated();
}

void Plan::clear() { *this = Plan(); }

WallTime Plan::next() const {
  drop_outdated();
  return heap_.empty() ? none : heap_.top().at;
}

WallTime Plan::due(Key key) const { return key < due_.size() ? due_[key] : none; }

std::vector<Plan::Due> Plan::take_due(WallTime now) {
  std::vector<Due> taken;
  while (next() <= now && size_ > 0) {
    const auto entry = heap_.top();
    heap_.pop();
    due_[entry.key] = none;
    --size_;
    taken.push_back({entry.key, entry.at});
  }
  return taken;
}

bool Plan::current(const Entry& entry) const { return due_[entry.key] == entry.at; }

void Plan::drop_outdated() const {
  while (!heap_.empty() && !current(heap_.top())) heap_.pop();
}

void Plan::limit_outdated() {
  if (heap_.size() <= 2 * size_ + tolerated) return;
  std::vector<Entry> kept;
  kept.reserve(size_);
  for (; !heap_.empty(); heap_.pop()) {
    const auto& entry = heap_.top();
    const bool repeated = !kept.empty() && kept.back().key == entry.key && kept.back().at == entry.at;
    if (current(entry) && !repeated) kept.push_back(entry);
  }
  heap_ = decltype(heap_)(std::greater<>(), std::move(kept));
}

}  // namespace refsyncd
