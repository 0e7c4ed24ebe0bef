#include "local/queue.h"

#include <fmt/format.h>

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
  auto& repo = repos_[entry.item.repo];
  if (repo.closed()) {
    repo.parked.insert(entry.position());
  } else {
    hosts_[entry.item.host].waiting.insert(entry.position());
    refresh(entry.item.host);
  }
}

void Queue::erase(const Entry& entry) {
  repos_[entry.item.repo].parked.erase(entry.position());
  hosts_[entry.item.host].waiting.erase(entry.position());
  refresh(entry.item.host);
}

void Queue::add(Item item) {
  auto id = item.id;
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
  const auto repo = repos_.find(at->second.item.repo);
  if (!repo->second.closed() && repo->second.parked.empty()) repos_.erase(repo);
  entries_.erase(at);
  return true;
}

std::optional<std::string> Queue::take() {
  while (running_ < total_ && !heads_.empty()) {
    auto& entry = entries_.at(std::get<std::string>(heads_.begin()->first));
    auto& repo = repos_[entry.item.repo];
    auto& host = hosts_[entry.item.host];
    host.waiting.erase(entry.position());
    if (repo.closed()) {
      repo.parked.insert(entry.position());
      refresh(entry.item.host);
      continue;
    }
    entry.running = true;
    repo.busy = true;
    ++host.running;
    ++running_;
    refresh(entry.item.host);
    return entry.item.id;
  }
  return std::nullopt;
}

void Queue::finish(const std::string& id) {
  const auto at = entries_.find(id);
  if (at == entries_.end() || !at->second.running) return;
  const auto item = at->second.item;
  entries_.erase(at);
  --running_;

  unpark(item.repo);
  auto& host = hosts_[item.host];
  --host.running;
  refresh(item.host);
  if (host.running == 0 && host.waiting.empty()) hosts_.erase(item.host);
}

/// The repository is free: what waited for it waits for its turn now.
void Queue::unpark(const std::string& repo) {
  const auto parked = std::move(repos_[repo].parked);
  repos_.erase(repo);
  for (const auto& position : parked) insert(entries_.at(std::get<std::string>(position)));
}

bool Queue::hold(const std::string& repo) {
  auto& state = repos_[repo];
  if (state.closed()) return false;
  state.held = true;
  return true;
}

void Queue::release(const std::string& repo) {
  const auto at = repos_.find(repo);
  if (at != repos_.end() && at->second.held) unpark(repo);
}

bool Queue::is_waiting(const std::string& id) const {
  const auto at = entries_.find(id);
  return at != entries_.end() && !at->second.running;
}

bool Queue::is_busy(const std::string& repo) const {
  const auto at = repos_.find(repo);
  return at != repos_.end() && at->second.busy;
}

std::string Queue::waiting_for(const std::string& id) const {
  if (!is_waiting(id)) return "";
  const auto& item = entries_.at(id).item;
  if (const auto repo = repos_.find(item.repo); repo != repos_.end() && repo->second.closed()) {
    return fmt::format("{} of {}", repo->second.busy ? "another sync" : "maintenance", item.repo);
  }
  if (const auto host = hosts_.find(item.host); host != hosts_.end() && saturated(item.host, host->second)) {
    return fmt::format("a free slot on {}", item.host);
  }
  return running_ >= total_ ? "a free slot" : "its turn";
}

}  // namespace refsyncd
