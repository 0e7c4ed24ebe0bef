#include "contract/webhook_json.h"

#include "contract/json_fields.h"
#include "contract/sync_json.h"

namespace refsyncd {

WebhookEvent webhook_from_json(const std::string& body) {
  const auto value = json_from(body);
  const JsonFields fields(value, "", "webhook");
  WebhookEvent event;
  event.id = fields.name("id");
  event.type = fields.name("type");
  if (event.type.starts_with("sync.")) {
    const JsonFields data(fields.get("data"), "data");
    event.sync = sync_from_json(data.get("sync"));
  }
  return event;
}

}  // namespace refsyncd
