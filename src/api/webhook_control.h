#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "model/webhook.h"

namespace refsyncd {

/// What the API does with webhook targets. Calls come from several threads at once and return within a
/// bounded time, when what they did is durable; one that cannot be answered in time throws Error(transient).
class WebhookControl {
 public:
  struct Created {
    WebhookTarget target;
    Secret secret;
  };
  /// What a change leaves out stays.
  struct Change {
    std::optional<std::optional<std::string>> name;
    std::optional<std::string> url;
    std::optional<std::vector<std::string>> events;
    std::optional<std::optional<std::vector<std::string>>> repo_ids;
  };

  virtual ~WebhookControl() = default;

  /// Oldest first.
  virtual std::vector<WebhookTarget> webhook_targets() = 0;
  /// Of the target, name, url, events and repo_ids count. Throws Error(bad_config) when there are too many.
  virtual Created create_webhook_target(const WebhookTarget& wanted) = 0;
  /// The target as it is now; nothing when there is none.
  virtual std::optional<WebhookTarget> change_webhook_target(const std::string& id, const Change& change) = 0;
  /// False when there is none.
  virtual bool remove_webhook_target(const std::string& id) = 0;

  /// May targets have loopback and private addresses?
  virtual bool allows_private_webhooks() = 0;
  /// The ids of all repositories.
  virtual std::vector<std::string> repository_ids() = 0;
};

/// The target as the change makes it.
void apply(const WebhookControl::Change& change, WebhookTarget& target);

}  // namespace refsyncd
