#pragma once
#include <filesystem>

namespace refsyncd {

/// A folder of its own below the system's temporary folder, for us alone (mode 0700), removed with all it
/// holds at the end.
class TemporaryFolder {
 public:
  /// Throws Error(transient) when it cannot be made.
  TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace refsyncd
