#pragma once
#include <optional>
#include <string>

#include "model/sync.h"

namespace refsyncd {

/// What a service tells by webhook.
struct WebhookEvent {
  std::string id;
  std::string type;          ///< "sync.completed" ...
  std::optional<Sync> sync;  ///< of the events of syncs ("sync.*"); other events are read without their data
};

/// A webhook's body, checked: throws Error(internal) "unexpected answer: ..." that names the field. Unknown
/// fields are ignored.
WebhookEvent webhook_from_json(const std::string& body);

}  // namespace refsyncd
