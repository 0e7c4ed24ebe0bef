#include "contract/event_json.h"

#include "contract/sync_json.h"
#include "contract/time.h"
#include "model/webhook.h"

namespace refsyncd {

nlohmann::json to_json_value(const SyncEvent& event) {
  auto sync = to_json_value(event.sync);
  const auto& organization = event.organization;
  return {
      {"id", event.id},
      {"type", webhook_event(event.sync.status)},
      {"occurred_at", format_time(event.occurred_at)},
      {"organization", {{"id", organization.id}, {"slug", organization.slug}, {"name", organization.name}}},
      {"repository", {{"id", sync["repo_id"]}, {"name", sync["repo"]}, {"url", event.repository_url}}},
      {"data", {{"sync", std::move(sync)}}},
  };
}

std::string with_refs(const std::string& body, const RefResults& refs) {
  auto event = nlohmann::json::parse(body);
  event.at("data").at("sync")["stats"] = stats_json(refs);
  return event.dump();
}

}  // namespace refsyncd
