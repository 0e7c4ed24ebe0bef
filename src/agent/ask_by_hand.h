#pragma once
#include "agent/loop_calls.h"
#include "model/sync_service.h"

namespace refsyncd {

/// Asks the service, on the loop's thread, for a sync somebody wants now, and returns it once it is durable.
/// Of the request, repo, direction and globs count. Called from an HTTP thread. Throws why it was refused,
/// and as LoopCalls does; after that the sync may run all the same.
Sync ask_by_hand(LoopCalls& calls, SyncService& service, const SyncRequest& asked);

}  // namespace refsyncd
