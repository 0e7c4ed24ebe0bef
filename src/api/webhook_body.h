#pragma once
#include <nlohmann/json.hpp>

#include "api/webhook_control.h"

namespace refsyncd {

/// Reading what a caller wants a webhook target to be. All throw ApiError(400) that names the field.

/// A new target: `url` is needed, `events` are those of syncs when absent.
WebhookTarget new_webhook_target(const nlohmann::json& body, WebhookControl& control);
WebhookControl::Change webhook_target_change(const nlohmann::json& body, WebhookControl& control);

/// A target on the wire.
nlohmann::json to_json_value(const WebhookTarget& target);

}  // namespace refsyncd
