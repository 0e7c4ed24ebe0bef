#include "webhooks/lanes.h"

#include <algorithm>

namespace refsyncd {

void Lanes::add(const PendingDelivery& delivery) {
  auto& target = targets_[delivery.target_id];
  auto& lane = target.lanes[delivery.repo_id];
  lane.line.push_back({.arrival = ++arrivals_, .id = delivery.id});
  target.arrivals.emplace(arrivals_, delivery.repo_id);
  ++size_;
  if (lane.line.size() == 1) target.ready.push_back(delivery.repo_id);
}

std::optional<Lanes::Next> Lanes::take() {
  if (busy_ >= limits_.in_all || targets_.empty()) return std::nullopt;
  auto at = targets_.upper_bound(last_target_);
  for (size_t looked_at = 0; looked_at < targets_.size(); ++looked_at, ++at) {
    if (at == targets_.end()) at = targets_.begin();
    auto& [id, target] = *at;
    if (target.ready.empty() || target.busy >= limits_.a_target) continue;
    auto repo_id = std::move(target.ready.front());
    target.ready.pop_front();
    auto& lane = target.lanes.at(repo_id);
    lane.busy = true;
    ++target.busy;
    ++busy_;
    last_target_ = id;
    return Next{.lane = {.target_id = id, .repo_id = std::move(repo_id)},
                .delivery_id = lane.line.front().id};
  }
  return std::nullopt;
}

/// Frees the lane's place. Returns nullptr when its target was removed.
Lanes::Target* Lanes::release(const LaneKey& key) {
  const auto at = targets_.find(key.target_id);
  --busy_;
  if (--at->second.busy == 0 && at->second.removed) {
    targets_.erase(at);
    return nullptr;
  }
  if (at->second.removed) return nullptr;
  at->second.lanes.at(key.repo_id).busy = false;
  return &at->second;
}

void Lanes::hold(const LaneKey& key, SteadyTime until) {
  auto* target = release(key);
  if (target == nullptr) return;
  target->lanes.at(key.repo_id).held_until = until;
  held_.emplace(until, key);
}

void Lanes::finish(const LaneKey& key) {
  auto* target = release(key);
  if (target == nullptr) return;
  const auto at = target->lanes.find(key.repo_id);
  auto& line = at->second.line;
  target->arrivals.erase(line.front().arrival);
  line.pop_front();
  --size_;
  if (!line.empty()) {
    target->ready.push_back(key.repo_id);
    return;
  }
  target->lanes.erase(at);
  if (target->lanes.empty()) targets_.erase(key.target_id);
}

std::optional<std::string> Lanes::shed(const std::string& target_id) {
  const auto at = targets_.find(target_id);
  if (at == targets_.end() || at->second.arrivals.size() <= limits_.waiting) return std::nullopt;
  auto& target = at->second;
  for (const auto& [arrival, repo_id] : target.arrivals) {
    auto& lane = target.lanes.at(repo_id);
    if (lane.busy && lane.line.front().arrival == arrival) continue;
    const auto oldest = lane.line.begin() + (lane.busy ? 1 : 0);
    auto id = std::move(oldest->id);
    lane.line.erase(oldest);
    if (lane.line.empty()) remove_idle(target, {.target_id = target_id, .repo_id = repo_id});
    target.arrivals.erase(arrival);
    --size_;
    return id;
  }
  return std::nullopt;
}

/// An empty lane that is held or may go.
void Lanes::remove_idle(Target& target, const LaneKey& key) {
  if (const auto until = target.lanes.at(key.repo_id).held_until) {
    const auto [first, last] = held_.equal_range(*until);
    held_.erase(std::find_if(first, last, [&](const auto& held) { return held.second == key; }));
  } else {
    target.ready.erase(std::find(target.ready.begin(), target.ready.end(), key.repo_id));
  }
  target.lanes.erase(key.repo_id);
}

void Lanes::remove_target(const std::string& target_id) {
  const auto at = targets_.find(target_id);
  if (at == targets_.end()) return;
  auto& target = at->second;
  size_ -= target.arrivals.size();
  std::erase_if(held_, [&](const auto& held) { return held.second.target_id == target_id; });
  target.lanes.clear();
  target.arrivals.clear();
  target.ready.clear();
  target.removed = true;
  if (target.busy == 0) targets_.erase(at);
}

void Lanes::hurry(const std::string& target_id) {
  for (auto at = held_.begin(); at != held_.end();) {
    if (at->second.target_id == target_id) {
      let_go(at->second);
      at = held_.erase(at);
    } else {
      ++at;
    }
  }
}

void Lanes::wake(SteadyTime now) {
  while (!held_.empty() && held_.begin()->first <= now) let_go(held_.extract(held_.begin()).mapped());
}

/// A lane that was held may go.
void Lanes::let_go(const LaneKey& key) {
  auto& target = targets_.at(key.target_id);
  target.lanes.at(key.repo_id).held_until.reset();
  target.ready.push_back(key.repo_id);
}

}  // namespace refsyncd
