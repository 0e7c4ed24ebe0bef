#pragma once
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/secret.h"

namespace refsyncd {

/// The secrets that sign what targets get: one file a target that only our user may read, apart from the
/// state database. Safe from any thread; calls block on the disk.
class WebhookSecrets {
 public:
  /// Files are made in `folder`, which is made with mode 0700 when it is missing.
  explicit WebhookSecrets(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// A new random secret, durable on return. Throws Error(internal).
  Secret make(const std::string& target_id) const;
  /// Nothing when there is none.
  std::optional<Secret> read(const std::string& target_id) const;
  void forget(const std::string& target_id) const;
  /// The files of all targets but these.
  std::vector<std::filesystem::path> all_but(const std::set<std::string>& target_ids) const;

 private:
  std::filesystem::path file_of(const std::string& target_id) const;

  std::filesystem::path folder_;
};

}  // namespace refsyncd
