#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "base/handle.h"

namespace refsyncd {

/// Git's locks of refs that get no file of their own: `refs/….lock`, made only where no such file is. All are
/// names of one file, for a file each is dear and a further name is not. They go with the object, and so do
/// the folders that were made for them.
class RefLocks {
 public:
  /// Throws Error(internal) when the repository cannot be opened.
  explicit RefLocks(const std::filesystem::path& repository);
  RefLocks(const RefLocks&) = delete;
  RefLocks& operator=(const RefLocks&) = delete;
  ~RefLocks();

  /// Takes the lock of one ref, whose name is valid. False when somebody holds it, or it cannot be made.
  bool take(const std::string& name);

 private:
  bool make(const std::string& lock) const;
  bool make_folders(const std::string& lock);

  FileDescriptor repository_;
  std::vector<std::string> locks_;    ///< relative to the repository
  std::vector<std::string> folders_;  ///< the same; parents first
};

}  // namespace refsyncd
