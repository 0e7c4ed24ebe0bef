#pragma once
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>

#include "contract/repo_json.h"
#include "model/sync.h"

namespace refsyncd {

/// What a request for one sync is about, as a key: repository, direction and globs.
std::string work_key(const SyncRequest& request);

/// Requests that may have reached the service although their answer was lost: what each was about, and when
/// it was first sent. Remembers a bounded number, the newest.
class LostRequests {
 public:
  void remember(const std::string& key, WallTime sent);
  void forget(const std::string& key) { sent_.erase(key); }
  std::optional<WallTime> sent(const std::string& key) const;

 private:
  std::unordered_map<std::string, WallTime> sent_;
};

/// How far the service's clock may be behind ours.
inline constexpr milliseconds clock_skew = std::chrono::minutes(2);

/// Of a page of a repository's syncs (newest first) the one that a lost request has probably made: of the
/// same direction and globs, made since then, and not one that `known` says is another's. Pure.
const Sync* find_lost(const SyncPage& page, const SyncRequest& request, WallTime sent,
                      const std::function<bool(const std::string& id)>& known);

/// True when the next page may hold it, too: the list has not yet come to syncs made before it was sent.
bool may_be_further(const SyncPage& page, WallTime sent);

}  // namespace refsyncd
