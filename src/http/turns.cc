#include "http/turns.h"

#include <algorithm>

namespace refsyncd {

Turns::Queue* Turns::queue_of(const Host& host) {
  const auto capacity = limits_.connections * (host.shared_ ? limits_.streams : 1);
  if (host.waiting_.empty() || host.suspect_ || host.running_ >= capacity) return nullptr;
  return host.running_ < limits_.connections ? &connecting_ : &sharing_;
}

template <class Change>
void Turns::change(Host& host, Change change) {
  if (auto* before = queue_of(host)) before->erase({*host.waiting_.begin(), &host});
  connections_used_ -= std::min(host.running_, limits_.connections);
  change();
  connections_used_ += std::min(host.running_, limits_.connections);
  if (auto* after = queue_of(host)) after->insert({*host.waiting_.begin(), &host});
}

void Turns::forget_if_idle(Host& host) {
  // That a host shares its connections is worth knowing when it is asked again.
  if (host.waiting_.empty() && host.running_ == 0 && !host.shared_) hosts_.erase(std::string(host.origin_));
}

Turns::Host& Turns::wait(const std::string& origin, uint64_t serial) {
  auto& host = hosts_.try_emplace(origin, origin).first->second;
  if (host.waiting_.empty()) {
    change(host, [&] { host.waiting_.insert(serial); });
  } else {
    host.waiting_.insert(host.waiting_.end(), serial);  // not its oldest: the host stays where it stands
  }
  return host;
}

void Turns::leave(Host& host, uint64_t serial) {
  change(host, [&] { host.waiting_.erase(serial); });
  forget_if_idle(host);
}

bool Turns::stuck() const {
  return sharing_.empty() && (connecting_.empty() || connections_used_ >= limits_.connections_in_all);
}

std::optional<uint64_t> Turns::take() {
  if (stuck()) return std::nullopt;
  const bool may_connect = !connecting_.empty() && connections_used_ < limits_.connections_in_all;
  const bool connects = may_connect && (sharing_.empty() || *connecting_.begin() < *sharing_.begin());
  const auto [serial, host] = connects ? *connecting_.begin() : *sharing_.begin();
  change(*host, [host = host] {
    host->waiting_.erase(host->waiting_.begin());
    ++host->running_;
  });
  return serial;
}

void Turns::end(Host& host) {
  change(host, [&] {
    if (--host.running_ == 0) host.suspect_ = false;
  });
  forget_if_idle(host);
}

void Turns::know_shared(Host& host, bool shared) {
  if (host.shared_ == shared) return;
  change(host, [&] { host.shared_ = shared; });
}

bool Turns::suspect(Host& host) {
  if (!host.shared_ || host.suspect_) return false;
  change(host, [&] { host.suspect_ = true; });
  return true;
}

}  // namespace refsyncd
