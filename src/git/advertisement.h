#pragma once
#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "git/remote.h"

namespace refsyncd {

/// Reads an object id; nothing for what is none. Throws Error(bad_config) for a SHA-256 id.
std::optional<ObjectId> advertised_id(std::string_view digits);

/// Puts an Advertisement together from what an upstream lists, in any order, whatever the wire format. Keeps
/// branches and tags, each once, and HEAD's target; leaves out names that Git does not allow (and with them
/// the peeled entries of tags), for no repository could hold them.
class AdvertisementBuilder {
 public:
  explicit AdvertisementBuilder(const AdvertisementLimits& limits) : limits_(limits) {}

  /// So many bytes more have come. Throws Error(bad_config) beyond the limit.
  void received(size_t bytes);
  /// Throws Error(bad_config) for more refs than the limit.
  void add(std::string_view name, const ObjectId& id);
  void set_head_target(std::string_view target);
  /// Call once.
  Advertisement finish();

 private:
  AdvertisementLimits limits_;
  size_t bytes_ = 0;
  Advertisement advertisement_;
};

/// Reads what `git ls-remote --symref` prints, as AdvertisementBuilder says. Throws Error(bad_config) for a
/// SHA-256 repository and for more than `max_refs` refs, Error(internal) for lines it does not understand.
Advertisement parse_ls_remote(std::string_view output, size_t max_refs);

/// Reads a FETCH_HEAD file: the branches and tags that `git fetch` got, sorted by name. Throws
/// Error(internal).
std::vector<RefValue> parse_fetch_head(std::string_view text);

}  // namespace refsyncd
