#include "local/maintenance_rounds.h"

#include <algorithm>

#include "base/text.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;

constexpr uint32_t many_changes = 50;
constexpr auto shortest_wait = 10min;

/// The first moment after `now` on the repository's grid of this interval.
SteadyTime next_turn(const std::string& repo, milliseconds interval, const Moment& now) {
  const auto span = interval.count();
  const auto phase = static_cast<int64_t>(stable_hash(repo) % static_cast<uint64_t>(span));
  const auto past = ((now.wall.time_since_epoch().count() - phase) % span + span) % span;
  return now.steady + milliseconds(span - past);
}

}  // namespace

void MaintenanceRounds::put(Entries::value_type& entry, SteadyTime at) {
  order_.erase({entry.second.at, entry.first});
  entry.second.at = at;
  order_.emplace(at, entry.first);
}

void MaintenanceRounds::bring_forward(Entries::value_type& entry, SteadyTime at) {
  if (at < entry.second.at) put(entry, at);
}

void MaintenanceRounds::know(const std::string& repo, const Moment& now) {
  const auto [entry, added] = entries_.try_emplace(repo);
  if (added) put(*entry, next_turn(repo, 24h, now));
}

void MaintenanceRounds::forget(const std::string& repo) {
  const auto entry = entries_.find(repo);
  if (entry == entries_.end()) return;
  order_.erase({entry->second.at, entry->first});
  entries_.erase(entry);
}

void MaintenanceRounds::changed(const std::string& repo, const Moment& now) {
  know(repo, now);
  auto& entry = *entries_.find(repo);
  bring_forward(entry, next_turn(repo, 1h, now));
  if (++entry.second.changes < many_changes) return;
  const bool looked = entry.second.looked != SteadyTime::min();
  bring_forward(entry, looked ? std::max(now.steady, entry.second.looked + shortest_wait) : now.steady);
}

std::optional<std::string> MaintenanceRounds::take(const Moment& now) {
  if (next() > now.steady) return std::nullopt;
  auto& entry = *entries_.find(std::string(order_.begin()->second));
  entry.second.looked = now.steady;
  entry.second.changes = 0;
  put(entry, next_turn(entry.first, 24h, now));
  return entry.first;
}

void MaintenanceRounds::again(const std::string& repo, SteadyTime at) {
  if (const auto entry = entries_.find(repo); entry != entries_.end()) bring_forward(*entry, at);
}

}  // namespace refsyncd
