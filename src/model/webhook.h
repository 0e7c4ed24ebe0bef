#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "model/sync.h"

namespace refsyncd {

/// "sync.queued", "sync.in_progress", "sync.completed" or "sync.failed": the event that tells of this status.
std::string_view webhook_event(SyncStatus status);

/// Somebody who wants to hear of events. The secret that signs them is kept elsewhere, in a file.
struct WebhookTarget {
  std::string id;  ///< UUIDv7
  std::optional<std::string> name;
  std::string url;
  std::vector<std::string> events;                   ///< the contract's names
  std::optional<std::vector<std::string>> repo_ids;  ///< nothing = all repositories
  WallTime created_at;
  WallTime updated_at;

  /// True when the target asked for this event of this repository.
  bool wants(std::string_view event, std::string_view repo_id) const;
  bool operator==(const WebhookTarget&) const = default;
};

/// One event for one target: a place in the outbox until it is delivered.
struct Delivery {
  std::string id;  ///< UUIDv7, of the delivery; the event's own id is in the payload
  std::string target_id;
  std::string repo_id;
  std::string event;
  std::shared_ptr<const std::string> payload;  ///< the body, but for the refs
  std::string refs_of;  ///< the sync whose refs belong into the body; "" = the payload is all of it
  std::shared_ptr<const RefResults> refs;  ///< those, as found in the store; nullptr when they are not there
  WallTime occurred_at;
  int attempts = 0;                    ///< how often it was sent in vain
  WallTime next_try{};                 ///< not before; the epoch = at once
  std::optional<WallTime> dead_since;  ///< given up; kept to be seen, until it is purged
};

/// A delivery that is not dead, as far as one must know it to keep the order.
struct PendingDelivery {
  std::string id;
  std::string target_id;
  std::string repo_id;

  bool operator==(const PendingDelivery&) const = default;
};

struct RemovedTarget {
  std::string id;  ///< its deliveries go too
};
struct Delivered {
  std::string id;  ///< of the delivery, which leaves the outbox
};
struct Abandoned {
  std::string id;  ///< of the delivery, which is dead
  WallTime at;
};

/// What can become of targets and their deliveries. A target or delivery that is there already is replaced,
/// except that a delivery keeps its place and what it tells. Deliveries that wait for their next try are due
/// at once when their target is replaced.
using WebhookChange = std::variant<WebhookTarget, RemovedTarget, Delivery, Delivered, Abandoned>;

/// Reads what was recorded of webhooks. Safe from any thread; calls block on the disk. Throws as Store does.
class WebhookStore {
 public:
  virtual ~WebhookStore() = default;
  /// Oldest first.
  virtual std::vector<WebhookTarget> webhook_targets() = 0;
  /// In the order in which they were recorded.
  virtual std::vector<PendingDelivery> pending_deliveries() = 0;
  /// With the refs that belong into its body.
  virtual std::optional<Delivery> delivery(const std::string& id) = 0;
  virtual size_t dead_deliveries() = 0;
  /// Forgets deliveries that died before `before`, and of each target's dead ones all but the last 10,000.
  /// Returns how many.
  virtual size_t purge_deliveries(WallTime before) = 0;
};

}  // namespace refsyncd
