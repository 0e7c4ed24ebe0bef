#pragma once
#include <string>
#include <vector>

#include "agent/loop_calls.h"
#include "api/webhook_control.h"
#include "base/clock.h"
#include "local/catalog.h"
#include "webhooks/webhooks.h"

namespace refsyncd {

/// The embedded service's webhooks as the API's WebhookControl: calls come from HTTP threads, the loop
/// decides, and what it decided is durable before it is answered. Secrets are written on the caller's thread.
/// A target whose creation is given up does not stay.
class ServedWebhooks final : public WebhookControl {
 public:
  struct Surroundings {
    Webhooks& webhooks;
    Catalog& catalog;
    LoopCalls& calls;
    const Clock& clock;
  };

  /// What the surroundings refer to outlives the control.
  explicit ServedWebhooks(const Surroundings& surroundings) : around_(surroundings) {}

  std::vector<WebhookTarget> webhook_targets() override;
  Created create_webhook_target(const WebhookTarget& wanted) override;
  std::optional<WebhookTarget> change_webhook_target(const std::string& id, const Change& change) override;
  bool remove_webhook_target(const std::string& id) override;
  bool allows_private_webhooks() override { return around_.webhooks.allows_private(); }
  std::vector<std::string> repository_ids() override;

 private:
  Surroundings around_;
};

}  // namespace refsyncd
