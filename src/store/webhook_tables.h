#pragma once
#include <optional>
#include <string>
#include <vector>

#include "model/webhook.h"
#include "store/soci.h"

namespace refsyncd {

/// The tables webhook_targets and deliveries. Made anew after a database error.
class WebhookTables {
 public:
  explicit WebhookTables(soci::session& session) : session_(session) {}

  void apply(const WebhookChange& change);

  /// Oldest first.
  std::vector<WebhookTarget> targets();
  /// Deliveries that are not dead, in the order in which they were recorded.
  std::vector<PendingDelivery> pending();
  std::optional<Delivery> find(const std::string& id);
  size_t dead();
  /// Removes deliveries that died before `before`, and of each target's dead ones all but the last 10,000.
  /// Returns how many.
  size_t purge(WallTime before);

 private:
  void put(const WebhookTarget& target);
  void put(const RemovedTarget& removed);
  void put_due(const std::string& target_id);
  void put(const Delivery& delivery);
  void put(const Delivered& delivered);
  void put(const Abandoned& abandoned);

  soci::session& session_;
};

}  // namespace refsyncd
