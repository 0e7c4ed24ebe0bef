#pragma once
#include <functional>
#include <string>
#include <vector>

#include "api/webhook_control.h"
#include "base/clock.h"
#include "base/loop.h"
#include "local/catalog.h"
#include "webhooks/webhooks.h"

namespace refsyncd {

/// The embedded service's webhooks as the API's WebhookControl: calls come from HTTP threads, the loop
/// decides, and what it decided is durable before it is answered. Secrets are written on the caller's thread.
class ServedWebhooks final : public WebhookControl {
 public:
  struct Surroundings {
    Webhooks& webhooks;
    Catalog& catalog;
    Loop& loop;
    const Clock& clock;
    std::function<bool()> stopped;  ///< called on any thread: true once the loop turns no more
  };

  /// What the surroundings refer to outlives the control.
  explicit ServedWebhooks(Surroundings surroundings) : around_(std::move(surroundings)) {}

  std::vector<WebhookTarget> webhook_targets() override;
  Created create_webhook_target(const WebhookTarget& wanted) override;
  std::optional<WebhookTarget> change_webhook_target(const std::string& id, const Change& change) override;
  bool remove_webhook_target(const std::string& id) override;
  bool allows_private_webhooks() override { return around_.webhooks.allows_private(); }
  std::vector<std::string> repository_ids() override;

 private:
  /// Runs `answer` on the loop and returns what it returns or throws.
  template <class Answer>
  auto on_loop(Answer answer);
  /// Runs `decide(done)` on the loop and waits until done is called. True when it was; false, at once, when
  /// `decide` returns false.
  template <class Decide>
  bool durably(Decide decide);

  Surroundings around_;
};

}  // namespace refsyncd
