#include "webhooks/targets.h"

#include <algorithm>

namespace refsyncd {

void WebhookTargets::adopt(std::vector<WebhookTarget> targets,
                           std::unordered_map<std::string, Secret> secrets) {
  targets_ = std::move(targets);
  secrets_ = std::move(secrets);
}

std::vector<WebhookTarget>::iterator WebhookTargets::place_of(std::string_view id) {
  return std::find_if(targets_.begin(), targets_.end(), [&](const auto& target) { return target.id == id; });
}

const WebhookTarget* WebhookTargets::find(std::string_view id) const {
  const auto found =
      std::find_if(targets_.begin(), targets_.end(), [&](const auto& target) { return target.id == id; });
  return found == targets_.end() ? nullptr : &*found;
}

const Secret* WebhookTargets::secret(std::string_view id) const {
  const auto found = secrets_.find(std::string(id));
  return found == secrets_.end() ? nullptr : &found->second;
}

bool WebhookTargets::add(const WebhookTarget& target, const Secret& secret) {
  if (targets_.size() >= at_most) return false;
  targets_.push_back(target);
  secrets_.emplace(target.id, secret);
  recorder_.record(WebhookChange(target));
  return true;
}

void WebhookTargets::change(const WebhookTarget& target) {
  *place_of(target.id) = target;
  recorder_.record(WebhookChange(target));
}

bool WebhookTargets::remove(const std::string& id) {
  const auto place = place_of(id);
  if (place == targets_.end()) return false;
  targets_.erase(place);
  secrets_.erase(id);
  recorder_.record(WebhookChange(RemovedTarget{id}));
  return true;
}

}  // namespace refsyncd
