#pragma once
#include <functional>

#include "base/loop.h"
#include "model/sync_service.h"

namespace refsyncd {

/// Asks the service, on the loop's thread, for a sync somebody wants now, and returns it once it is durable.
/// Of the request, repo, direction and globs count. Called from an HTTP thread. Throws why it was refused,
/// and Error(transient) while the agent is stopping or too busy; `draining` is asked on the loop, `stopped`
/// here.
Sync ask_by_hand(Loop& loop, SyncService& service, const SyncRequest& asked,
                 const std::function<bool()>& draining, const std::function<bool()>& stopped);

}  // namespace refsyncd
