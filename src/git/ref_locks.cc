#include "git/ref_locks.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace refsyncd {

RefLocks::RefLocks(const std::filesystem::path& repository)
    : repository_(::open(repository.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (repository_) return;
  throw Error(ErrorKind::internal, fmt::format("opening {}: {}", repository.string(), std::strerror(errno)));
}

RefLocks::~RefLocks() {
  for (const auto& lock : locks_) ::unlinkat(repository_.get(), lock.c_str(), 0);
  for (auto folder = folders_.rbegin(); folder != folders_.rend(); ++folder)
    ::unlinkat(repository_.get(), folder->c_str(), AT_REMOVEDIR);  // unless somebody uses it now
}

bool RefLocks::take(const std::string& name) {
  constexpr int most_attempts = 3;  // against whoever removes the folder as an empty one
  const auto lock = name + ".lock";
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    if (make(lock)) {
      locks_.push_back(lock);
      return true;
    }
    if (errno != ENOENT || !make_folders(lock)) return false;
  }
  return false;
}

/// Where the file can have no further name (too many, another file system), it is a new one.
bool RefLocks::make(const std::string& lock) const {
  const int folder = repository_.get();
  if (!locks_.empty()) {
    if (::linkat(folder, locks_.back().c_str(), folder, lock.c_str(), 0) == 0) return true;
    if (errno == EEXIST || errno == ENOENT) return false;
  }
  const FileDescriptor made(::openat(folder, lock.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  return static_cast<bool>(made);
}

bool RefLocks::make_folders(const std::string& lock) {
  for (auto slash = lock.find('/'); slash != std::string::npos; slash = lock.find('/', slash + 1)) {
    const auto folder = lock.substr(0, slash);
    if (::mkdirat(repository_.get(), folder.c_str(), 0777) == 0) {
      folders_.push_back(folder);
    } else if (errno != EEXIST) {
      return false;
    }
  }
  return true;
}

}  // namespace refsyncd
