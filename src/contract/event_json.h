#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "base/clock.h"
#include "contract/organization.h"
#include "model/sync.h"

namespace refsyncd {

/// One event of a sync, as it is told by webhook.
struct SyncEvent {
  std::string id;  ///< UUIDv7; the same for all who hear of it and in every try
  WallTime occurred_at;
  Organization organization;
  std::string repository_url;  ///< where the API shows the sync's repository
  Sync sync;
};

/// The body of a webhook, in the contract's shape. Its type follows from the sync's status, whose rules the
/// sync obeys (see to_json_value()).
nlohmann::json to_json_value(const SyncEvent& event);

/// The body of an event whose sync has these refs, made from one that has others.
std::string with_refs(const std::string& body, const RefResults& refs);

}  // namespace refsyncd
