#include "mesa/lost.h"

#include <fmt/format.h>

#include <algorithm>

namespace refsyncd {
namespace {

constexpr size_t most_remembered = 10'000;

}  // namespace

std::string work_key(const SyncRequest& request) {
  return fmt::format("{}\n{}\n{}\n{}", request.repo, to_string(request.direction),
                     join_globs(request.globs.branches), join_globs(request.globs.tags));
}

void LostRequests::remember(const std::string& key, WallTime sent) {
  const auto [at, added] = sent_.try_emplace(key, sent);
  if (!added) at->second = std::min(at->second, sent);
  if (sent_.size() <= most_remembered) return;
  sent_.erase(std::min_element(sent_.begin(), sent_.end(),
                               [](const auto& a, const auto& b) { return a.second < b.second; }));
}

std::optional<WallTime> LostRequests::sent(const std::string& key) const {
  const auto found = sent_.find(key);
  return found == sent_.end() ? std::nullopt : std::optional(found->second);
}

const Sync* find_lost(const SyncPage& page, const SyncRequest& request, WallTime sent,
                      const std::function<bool(const std::string& id)>& known) {
  const auto found = std::find_if(page.syncs.begin(), page.syncs.end(), [&](const Sync& sync) {
    return sync.request.direction == request.direction && sync.request.globs == request.globs &&
           sync.created_at >= sent - clock_skew && !known(sync.id);
  });
  return found == page.syncs.end() ? nullptr : &*found;
}

bool may_be_further(const SyncPage& page, WallTime sent) {
  return page.next_cursor && !page.syncs.empty() && page.syncs.back().created_at >= sent - clock_skew;
}

}  // namespace refsyncd
