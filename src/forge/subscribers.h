#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "config/config.h"
#include "forge/notice.h"

namespace refsyncd {

/// Which pull policies have which repository as their upstream. A few bytes a policy, and a look-up does not
/// look at policies of other repositories.
///
/// A repository is known by host and path: transport, user, default port, final slash and `.git` do not count
/// (UpstreamUrl::identity). Neither does case, as the forges themselves ignore it in paths. Where a forge
/// tells no URL, the last two parts of the path decide, whatever the host. Both may take in a repository too
/// many, never one too few; what that costs is a look at its upstream.
class Subscribers {
 public:
  Subscribers() = default;
  explicit Subscribers(const Config& config);

  /// Positions in Config::policies, ascending, each once.
  std::vector<uint32_t> of(const PushNotice& notice) const;

 private:
  void find(uint64_t key, std::vector<uint32_t>& positions) const;

  std::vector<std::pair<uint64_t, uint32_t>> entries_;  // hash of a name and the policy's position, sorted
};

/// Whether the push may be about refs of the policy: one its globs match and `exclude` does not, or any.
bool concerns(const PushNotice& notice, const Policy& policy);

}  // namespace refsyncd
