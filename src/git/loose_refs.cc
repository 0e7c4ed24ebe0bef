#include "git/loose_refs.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <set>
#include <utility>

#include "base/file.h"
#include "base/handle.h"

namespace refsyncd {
namespace {

using Path = std::filesystem::path;

/// Git's lock of one ref: the file that becomes the ref. Goes away with the object unless it became the ref.
class LooseRefLock {
 public:
  /// Nothing when somebody else holds it, or it cannot be made.
  static std::optional<LooseRefLock> take(const Path& repository, const RefUpdate& update);
  LooseRefLock(LooseRefLock&& other) noexcept
      : update_(other.update_),
        ref_(std::move(other.ref_)),
        file_(std::move(other.file_)),
        made_directory_(other.made_directory_),
        waits_(std::exchange(other.waits_, false)) {}
  LooseRefLock(const LooseRefLock&) = delete;
  LooseRefLock& operator=(const LooseRefLock&) = delete;
  ~LooseRefLock() {
    if (waits_) ::unlink(path().c_str());
  }

  const RefUpdate& update() const { return *update_; }
  /// Gives the ref its new value; false when that cannot be done, and nothing has happened then.
  bool commit();
  /// The directories whose entries commit() changed.
  std::vector<Path> directories() const;

 private:
  LooseRefLock(const RefUpdate& update, Path ref) : update_(&update), ref_(std::move(ref)) {}
  Path path() const { return Path(ref_) += ".lock"; }

  const RefUpdate* update_;
  Path ref_;
  FileDescriptor file_;
  bool made_directory_ = false;
  bool waits_ = false;
};

std::optional<LooseRefLock> LooseRefLock::take(const Path& repository, const RefUpdate& update) {
  constexpr int most_attempts = 3;  // against whoever removes the directory as an empty one
  LooseRefLock lock(update, repository / update.name);
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    lock.file_.reset(::open(lock.path().c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (lock.file_) {
      lock.waits_ = true;
      return lock;
    }
    std::error_code problem;
    if (errno != ENOENT) return std::nullopt;
    lock.made_directory_ = true;
    std::filesystem::create_directories(lock.ref_.parent_path(), problem);
    if (problem) return std::nullopt;
  }
  return std::nullopt;
}

bool LooseRefLock::commit() {
  const auto line = update_->value.hex() + '\n';
  if (::write(file_.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size())) return false;
  if (::fsync(file_.get()) != 0) return false;
  file_.reset();
  if (::rename(path().c_str(), ref_.c_str()) != 0) return false;
  waits_ = false;
  return true;
}

std::vector<Path> LooseRefLock::directories() const {
  std::vector<Path> changed{ref_.parent_path()};
  while (made_directory_ && changed.back().filename() != "refs")
    changed.push_back(changed.back().parent_path());
  return changed;
}

/// Whoever packs refs removes the folders that this leaves empty: then it is packed-refs that must last.
void make_durable(const Path& repository, const Path& folder) try {
  sync_directory(folder);
} catch (const Error&) {
  if (std::filesystem::exists(folder)) throw;
  sync_directory(repository);
}

}  // namespace

WrittenRefs write_loose_refs(const Path& repository, const ObjectReader& reader, const RefUpdates& updates) {
  WrittenRefs result;
  std::vector<LooseRefLock> locks;
  for (const auto* update : updates) {
    auto lock = is_allowed(reader, *update) ? LooseRefLock::take(repository, *update) : std::nullopt;
    if (lock) {
      locks.push_back(*std::move(lock));
    } else {
      result.rest.push_back(update);
    }
  }
  LockedRefs refs(repository);
  std::set<Path> changed;
  for (auto& lock : locks) {
    const auto standing = refs.standing(lock.update());
    if (standing == Standing::moved) continue;
    if (standing == Standing::as_expected && lock.commit()) {
      result.made.push_back(&lock.update());
      for (auto& directory : lock.directories()) changed.insert(std::move(directory));
    } else {
      result.rest.push_back(&lock.update());
    }
  }
  for (const auto& directory : changed) make_durable(repository, directory);
  return result;
}

}  // namespace refsyncd
