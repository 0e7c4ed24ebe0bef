#include "git/loose_refs.h"

#include <fcntl.h>
#include <git2.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <optional>
#include <set>
#include <utility>

#include "base/file.h"
#include "base/handle.h"
#include "git/libgit2.h"
#include "git/ref_files.h"

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

/// Reflogs and shared permissions are git's business.
bool is_plain(const Path& repository) {
  std::error_code problem;
  if (std::filesystem::exists(repository / "logs", problem) || problem) return false;
  git_config* opened = nullptr;
  if (git_config_open_ondisk(&opened, (repository / "config").c_str()) != 0) return false;
  const Owned<git_config, git_config_free> configuration(opened);
  for (const auto* key : {"core.logallrefupdates", "core.sharedrepository"}) {
    git_config_entry* found = nullptr;
    const int code = git_config_get_entry(&found, opened, key);
    const Owned<git_config_entry, git_config_entry_free> entry(found);
    if (code != GIT_ENOTFOUND) return false;
  }
  return true;
}

bool may_be_named(const ObjectReader& reader, const RefUpdate& update) {
  if (!is_valid_ref_name(update.name)) return false;
  if (!update.name.starts_with("refs/heads/")) return reader.contains(update.value);
  return reader.ancestry(update.value, update.value) == Ancestry::same;
}

/// Whether an update can be made, once the ref is locked.
enum class Standing { as_expected, moved, unclear };

class LockedRefs {
 public:
  explicit LockedRefs(const Path& repository) : repository_(repository) {}

  Standing standing(const RefUpdate& update) {
    std::error_code problem;
    const auto type = std::filesystem::symlink_status(repository_ / update.name, problem).type();
    if (type == std::filesystem::file_type::regular) {
      const auto file = read_ref_file(repository_, update.name);
      if (!file || file->id.absent()) return Standing::unclear;
      return file->id == update.expected ? Standing::as_expected : Standing::moved;
    }
    if (type != std::filesystem::file_type::not_found) return Standing::unclear;
    if (const auto* found = packed().find(update.name))
      return found->id == update.expected ? Standing::as_expected : Standing::moved;
    if (!update.expected.absent()) return Standing::moved;
    return is_in_the_way(repository_, packed(), update.name) ? Standing::unclear : Standing::as_expected;
  }

 private:
  /// Read after the locks were taken: until they go, nobody can pack or unpack these refs.
  const PackedRefs& packed() {
    if (!packed_) packed_ = read_packed_refs(repository_);
    return *packed_;
  }

  const Path& repository_;
  std::optional<PackedRefs> packed_;
};

/// Whoever packs refs removes the folders that this leaves empty: then it is packed-refs that must last.
void make_durable(const Path& repository, const Path& folder) try {
  sync_directory(folder);
} catch (const Error&) {
  if (std::filesystem::exists(folder)) throw;
  sync_directory(repository);
}

}  // namespace

LooseUpdates write_loose_refs(const Path& repository, const ObjectReader& reader,
                              const std::vector<const RefUpdate*>& updates) {
  if (!is_plain(repository)) return {.made = {}, .rest = updates};
  LooseUpdates result;
  std::vector<LooseRefLock> locks;
  for (const auto* update : updates) {
    auto lock = may_be_named(reader, *update) ? LooseRefLock::take(repository, *update) : std::nullopt;
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

bool is_in_the_way(const Path& repository, const PackedRefs& packed, const std::string& name) {
  if (packed.find(name) != nullptr || packed.has_below(name)) return true;
  std::error_code problem;
  if (std::filesystem::exists(std::filesystem::symlink_status(repository / name, problem))) return true;
  for (auto slash = name.find('/', 5); slash != std::string::npos; slash = name.find('/', slash + 1)) {
    const auto parent = name.substr(0, slash);
    if (packed.find(parent) != nullptr) return true;
    if (std::filesystem::is_regular_file(repository / parent, problem)) return true;
  }
  return false;
}

}  // namespace refsyncd
