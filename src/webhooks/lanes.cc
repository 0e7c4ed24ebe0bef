#include "webhooks/lanes.h"

namespace refsyncd {

void Lanes::add(const PendingDelivery& delivery) {
  auto& target = targets_[delivery.target_id];
  auto& lane = target.lanes[delivery.repo_id];
  lane.push_back(delivery.id);
  ++size_;
  if (lane.size() == 1) target.ready.push_back(delivery.repo_id);
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
    auto delivery_id = target.lanes.at(repo_id).front();
    ++target.busy;
    ++busy_;
    last_target_ = id;
    return Next{.lane = {.target_id = id, .repo_id = std::move(repo_id)},
                .delivery_id = std::move(delivery_id)};
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
  return at->second.removed ? nullptr : &at->second;
}

void Lanes::hold(const LaneKey& key, SteadyTime until) {
  if (release(key) != nullptr) held_.emplace(until, key);
}

void Lanes::finish(const LaneKey& key) {
  auto* target = release(key);
  if (target == nullptr) return;
  const auto at = target->lanes.find(key.repo_id);
  at->second.pop_front();
  --size_;
  if (!at->second.empty()) {
    target->ready.push_back(key.repo_id);
    return;
  }
  target->lanes.erase(at);
  if (target->lanes.empty()) targets_.erase(key.target_id);
}

void Lanes::remove_target(const std::string& target_id) {
  const auto at = targets_.find(target_id);
  if (at == targets_.end()) return;
  auto& target = at->second;
  for (const auto& [repo_id, lane] : target.lanes) size_ -= lane.size();
  std::erase_if(held_, [&](const auto& held) { return held.second.target_id == target_id; });
  target.lanes.clear();
  target.ready.clear();
  target.removed = true;
  if (target.busy == 0) targets_.erase(at);
}

void Lanes::hurry(const std::string& target_id) {
  for (auto at = held_.begin(); at != held_.end();) {
    if (at->second.target_id == target_id) {
      targets_.at(target_id).ready.push_back(at->second.repo_id);
      at = held_.erase(at);
    } else {
      ++at;
    }
  }
}

void Lanes::wake(SteadyTime now) {
  while (!held_.empty() && held_.begin()->first <= now) {
    const auto key = held_.extract(held_.begin()).mapped();
    targets_.at(key.target_id).ready.push_back(key.repo_id);
  }
}

}  // namespace refsyncd
