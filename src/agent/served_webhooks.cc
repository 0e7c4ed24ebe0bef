#include "agent/served_webhooks.h"

#include <fmt/format.h>

#include <limits>

#include "base/uuid.h"

namespace refsyncd {

std::vector<WebhookTarget> ServedWebhooks::webhook_targets() {
  return around_.calls.ask([this] { return around_.webhooks.targets(); });
}

WebhookControl::Created ServedWebhooks::create_webhook_target(const WebhookTarget& wanted) {
  auto target = wanted;
  target.created_at = target.updated_at = around_.clock.now();
  target.id = new_uuid(target.created_at);
  auto secret = around_.webhooks.secrets().make(target.id);
  const bool added =
      around_.calls.decide([this, target, secret] { return around_.webhooks.add(target, secret); },
                           [this, id = target.id](const bool* made) {
                             const bool removed = made != nullptr && around_.webhooks.remove(id);
                             if (!removed) around_.webhooks.secrets().forget(id);
                           });
  if (!added) {
    around_.webhooks.secrets().forget(target.id);
    throw Error(ErrorKind::bad_config, fmt::format("there are {} webhook targets already; delete one first",
                                                   WebhookTargets::at_most));
  }
  return {.target = std::move(target), .secret = std::move(secret)};
}

std::optional<WebhookTarget> ServedWebhooks::change_webhook_target(const std::string& id,
                                                                   const Change& change) {
  return around_.calls.decide([this, id, change]() -> std::optional<WebhookTarget> {
    const auto* current = around_.webhooks.find(id);
    if (current == nullptr) return std::nullopt;
    auto target = *current;
    apply(change, target);
    target.updated_at = around_.clock.now();
    around_.webhooks.change(target);
    return target;
  });
}

bool ServedWebhooks::remove_webhook_target(const std::string& id) {
  return around_.calls.decide([this, id] { return around_.webhooks.remove(id); });
}

std::vector<std::string> ServedWebhooks::repository_ids() {
  return around_.calls.ask([this] {
    std::vector<std::string> ids;
    for (const auto& entry : around_.catalog.list("", std::numeric_limits<size_t>::max()))
      ids.push_back(entry.record.id);
    return ids;
  });
}

}  // namespace refsyncd
