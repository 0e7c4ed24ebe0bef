#pragma once
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "base/secret.h"
#include "model/policy.h"

namespace refsyncd {

/// The credentials of upstreams that were named through the API: one file each that only our user may read,
/// apart from the state database. Written once, never changed: a new credential gets a new file, so that what
/// the database refers to is always whole. Safe from any thread; calls block on the disk.
class UpstreamCredentials {
 public:
  /// Files are made in `folder`, which is made with mode 0700 when it is missing.
  explicit UpstreamCredentials(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// The name of a new file that holds the credential, durable on return. Throws Error(internal).
  std::string keep(const Secret& credential, WallTime now) const;
  SecretSource source(const std::string& name) const;
  void forget(const std::string& name) const;
  /// All files but these.
  std::vector<std::filesystem::path> all_but(const std::set<std::string>& names) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace refsyncd
