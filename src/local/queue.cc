#include "local/queue.h"

#include <fmt/format.h>

#include <utility>

namespace refsyncd {

void Queue::set_limits(size_t total, size_t per_host) {
  total_ = total;
  per_host_ = per_host;
  for (const auto& [name, host] : hosts_) refresh(name);
}

bool Queue::saturated(const std::string& name, const Host& host) const {
  return !name.empty() && host.running >= per_host_;
}

/// Brings the host's place among the heads up to date.
void Queue::refresh(const std::string& host_name) {
  if (const auto old = head_of_host_.find(host_name); old != head_of_host_.end()) {
    heads_.erase(old->second);
    head_of_host_.erase(old);
  }
  const auto& host = hosts_[host_name];
  if (host.waiting.empty() || saturated(host_name, host)) return;
  heads_.emplace(*host.waiting.begin(), host_name);
  head_of_host_.emplace(host_name, *host.waiting.begin());
}

void Queue::insert(const Entry& entry) {
  auto& folder = folders_[entry.item.folder];
  if (folder.closed()) {
    folder.parked.insert(entry.position());
  } else {
    hosts_[entry.item.host].waiting.insert(entry.position());
    refresh(entry.item.host);
  }
}

void Queue::erase(const Entry& entry) {
  folders_[entry.item.folder].parked.erase(entry.position());
  hosts_[entry.item.host].waiting.erase(entry.position());
  refresh(entry.item.host);
}

void Queue::add(Item item) {
  auto id = item.id;
  if (item.folder.empty()) item.folder = item.repo;
  const auto [at, added] = entries_.try_emplace(
      std::move(id), Entry{.item = std::move(item), .order = arrivals_++, .running = false});
  if (added) insert(at->second);
}

void Queue::raise(const std::string& id, Priority priority) {
  const auto at = entries_.find(id);
  if (at == entries_.end() || at->second.running || at->second.item.priority <= priority) return;
  erase(at->second);
  at->second.item.priority = priority;
  insert(at->second);
}

bool Queue::remove(const std::string& id) {
  if (!is_waiting(id)) return false;
  const auto at = entries_.find(id);
  erase(at->second);
  const auto folder = folders_.find(at->second.item.folder);
  if (!folder->second.closed() && folder->second.parked.empty()) folders_.erase(folder);
  entries_.erase(at);
  return true;
}

std::optional<std::string> Queue::take() {
  while (!full() && !heads_.empty()) {
    auto& entry = entries_.at(std::get<std::string>(heads_.begin()->first));
    auto& folder = folders_[entry.item.folder];
    auto& host = hosts_[entry.item.host];
    host.waiting.erase(entry.position());
    if (folder.closed()) {
      folder.parked.insert(entry.position());
      refresh(entry.item.host);
      continue;
    }
    entry.running = true;
    folder.busy = true;
    ++host.running;
    ++running_;
    refresh(entry.item.host);
    return entry.item.id;
  }
  return std::nullopt;
}

void Queue::lend(const std::string& id) {
  const auto at = entries_.find(id);
  if (at == entries_.end() || !at->second.running) return;
  if (!std::exchange(at->second.lent, true)) ++lent_;
}

void Queue::reclaim(const std::string& id) {
  const auto at = entries_.find(id);
  if (at != entries_.end() && std::exchange(at->second.lent, false)) --lent_;
}

void Queue::finish(const std::string& id) {
  const auto at = entries_.find(id);
  if (at == entries_.end() || !at->second.running) return;
  reclaim(id);
  const auto item = at->second.item;
  entries_.erase(at);
  --running_;

  unpark(item.folder);
  auto& host = hosts_[item.host];
  --host.running;
  refresh(item.host);
  if (host.running == 0 && host.waiting.empty()) hosts_.erase(item.host);
}

/// The folder is free: what waited for it waits for its turn now.
void Queue::unpark(const std::string& folder) {
  const auto parked = std::move(folders_[folder].parked);
  folders_.erase(folder);
  for (const auto& position : parked) insert(entries_.at(std::get<std::string>(position)));
}

bool Queue::hold(const std::string& folder) {
  auto& state = folders_[folder];
  if (state.closed()) return false;
  state.held = true;
  return true;
}

void Queue::release(const std::string& folder) {
  const auto at = folders_.find(folder);
  if (at != folders_.end() && at->second.held) unpark(folder);
}

bool Queue::is_waiting(const std::string& id) const {
  const auto at = entries_.find(id);
  return at != entries_.end() && !at->second.running;
}

bool Queue::is_busy(const std::string& folder) const {
  const auto at = folders_.find(folder);
  return at != folders_.end() && at->second.busy;
}

std::string Queue::waiting_for(const std::string& id) const {
  if (!is_waiting(id)) return "";
  const auto& item = entries_.at(id).item;
  if (const auto at = folders_.find(item.folder); at != folders_.end() && at->second.closed()) {
    return fmt::format("{} of {}", at->second.busy ? "another sync" : "maintenance", item.repo);
  }
  if (const auto host = hosts_.find(item.host); host != hosts_.end() && saturated(item.host, host->second)) {
    return fmt::format("a free slot on {}", item.host);
  }
  return full() ? "a free slot" : "its turn";
}

}  // namespace refsyncd
