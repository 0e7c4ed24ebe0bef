#include "model/webhook.h"

#include <algorithm>

namespace refsyncd {

std::string_view webhook_event(SyncStatus status) {
  switch (status) {
    case SyncStatus::queued: return "sync.queued";
    case SyncStatus::in_progress: return "sync.in_progress";
    case SyncStatus::completed: return "sync.completed";
    case SyncStatus::failed: return "sync.failed";
  }
  return "";
}

bool WebhookTarget::wants(std::string_view event, std::string_view repo_id) const {
  return std::find(events.begin(), events.end(), event) != events.end() &&
         (!repo_ids || std::find(repo_ids->begin(), repo_ids->end(), repo_id) != repo_ids->end());
}

}  // namespace refsyncd
