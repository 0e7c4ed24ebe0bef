#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/error.h"
#include "base/handle.h"
#include "git/repository.h"

namespace refsyncd {
namespace {

using std::filesystem::directory_entry;
using std::filesystem::directory_iterator;
using std::filesystem::file_time_type;
using std::filesystem::path;
using std::filesystem::recursive_directory_iterator;

constexpr auto in_use = "refsyncd-in-use";
/// What that file says.
constexpr char used = '1';
constexpr char unused = '0';
/// A ref file is never empty in a healthy repository: git writes it elsewhere and moves it into place.
constexpr auto empty_ref_age = std::chrono::minutes(1);

/// A span of time in which something was last changed.
struct Period {
  file_time_type from;
  file_time_type to;
  bool has(file_time_type moment) const { return from <= moment && moment <= to; }
};

Period until(file_time_type moment) { return {file_time_type::min(), moment}; }

/// When the entry, or what is newest in the folder, was last changed; nothing when it has vanished.
std::optional<file_time_type> last_changed(const directory_entry& entry) {
  std::error_code problem;
  auto newest = entry.last_write_time(problem);
  if (problem) return std::nullopt;
  if (!entry.is_directory(problem) || entry.is_symlink(problem)) return newest;
  for (recursive_directory_iterator at(entry.path(), problem), end; !problem && at != end;
       at.increment(problem)) {
    std::error_code vanished;
    const auto changed = at->last_write_time(vanished);
    if (!vanished) newest = std::max(newest, changed);
  }
  return newest;
}

/// Removes entries that were last changed in one of some periods. What vanishes meanwhile, or resists, is
/// passed over: the next call sees it again.
class Broom {
 public:
  explicit Broom(std::vector<Period> periods) : periods_(std::move(periods)) {}

  void sweep(const directory_entry& entry) {
    const auto changed = last_changed(entry);
    const auto holds_it = [&](const Period& period) { return period.has(*changed); };
    if (!changed || std::none_of(periods_.begin(), periods_.end(), holds_it)) return;
    std::error_code problem;
    std::filesystem::remove_all(entry.path(), problem);
    if (!problem) ++removed_;
  }
  size_t removed() const { return removed_; }

 private:
  std::vector<Period> periods_;
  size_t removed_ = 0;
};

template <class Wanted>
void sweep_folder(const path& folder, Broom& broom, Wanted wanted) {
  std::error_code problem;
  for (directory_iterator at(folder, problem), end; !problem && at != end; at.increment(problem)) {
    if (!at->is_symlink(problem) && wanted(at->path().filename().string())) broom.sweep(*at);
  }
}

bool is_lock(const std::string& name) { return name.ends_with(".lock"); }
bool is_lock_or_temporary(const std::string& name) {
  return is_lock(name) || name.starts_with("tmp_") || name.starts_with(".tmp-");
}

bool is_empty_file(const directory_entry& entry) {
  std::error_code problem;
  return entry.is_regular_file(problem) && !entry.is_symlink(problem) && entry.file_size(problem) == 0;
}

template <class Wanted>
std::vector<directory_entry> files_below(const path& folder, Wanted wanted) {
  std::error_code problem;
  std::vector<directory_entry> found;
  for (recursive_directory_iterator at(folder, problem), end; !problem && at != end; at.increment(problem)) {
    std::error_code ignored;
    if (!at->is_directory(ignored) && wanted(*at)) found.push_back(*at);
  }
  return found;
}

bool has_lock_name(const directory_entry& entry) { return is_lock(entry.path().filename().string()); }
bool is_empty_ref(const directory_entry& entry) { return !has_lock_name(entry) && is_empty_file(entry); }

/// Packs that were moved in without their index, or an index of which a power loss kept the name and not the
/// pack's: no reader sees them.
void sweep_half_packs(const path& folder, Broom& broom) {
  sweep_folder(folder, broom, [&](const std::string& name) {
    const path file(name);
    const auto extension = file.extension();
    const bool is_index = extension == ".idx";
    if (!name.starts_with("pack-") || (!is_index && extension != ".pack" && extension != ".rev"))
      return false;
    std::error_code problem;
    const auto other_half = folder / path(file).replace_extension(is_index ? ".pack" : ".idx");
    return !std::filesystem::exists(other_half, problem) && !problem;
  });
}

void sweep_objects(const path& objects, Broom& broom) {
  sweep_folder(objects, broom, is_lock_or_temporary);
  sweep_folder(objects / "pack", broom, is_lock_or_temporary);
  sweep_half_packs(objects / "pack", broom);
  sweep_folder(objects / "info", broom, is_lock_or_temporary);
  sweep_folder(objects / "info" / "commit-graphs", broom, is_lock_or_temporary);
  std::error_code problem;
  for (directory_iterator at(objects, problem), end; !problem && at != end; at.increment(problem)) {
    if (at->path().filename().string().size() == 2) sweep_folder(at->path(), broom, is_lock_or_temporary);
  }
}

/// When the sync began that somebody killed in the middle; nothing when the last one came to its end.
std::optional<file_time_type> killed_sync(const path& repository) {
  std::error_code problem;
  const directory_entry mark(repository / in_use, problem);
  if (problem || !mark.is_regular_file(problem) || problem) return std::nullopt;
  const FileDescriptor file(::open(mark.path().c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  char says = unused;
  if (!file || ::pread(file.get(), &says, 1, 0) != 1 || says != used) return std::nullopt;
  const auto begun = mark.last_write_time(problem);
  return problem ? std::nullopt : std::optional(begun);
}

}  // namespace

size_t Repository::remove_leftovers(const LeftoverAges& ages) const {
  const auto now = file_time_type::clock::now();
  std::vector<Period> for_locks{until(now - ages.locks)};
  std::vector<Period> for_scratch{until(now - ages.objects)};
  if (const auto begun = killed_sync(path_)) {
    for_locks.push_back({*begun, now - ages.ours});
    for_scratch.push_back(until(now));
  }
  Broom locks(for_locks);
  sweep_folder(path_, locks,
               [](const std::string& name) { return is_lock(name) || name == "packed-refs.new"; });
  for (const auto& entry : files_below(path_ / "refs", has_lock_name)) locks.sweep(entry);
  Broom empty_refs({until(now - std::min<milliseconds>(empty_ref_age, ages.locks))});
  if (ages.empty_refs) {
    for (const auto& entry : files_below(path_ / "refs", is_empty_ref)) empty_refs.sweep(entry);
  }
  Broom objects({until(now - ages.objects)});
  sweep_objects(path_ / "objects", objects);
  Broom scratch(for_scratch);
  sweep_folder(path_ / "refsyncd-scratch", scratch, [](const std::string&) { return true; });
  return locks.removed() + empty_refs.removed() + objects.removed() + scratch.removed();
}

std::vector<std::string> Repository::empty_refs() const {
  std::vector<std::string> names;
  for (const auto& entry : files_below(path_ / "refs", is_empty_ref))
    names.push_back(entry.path().lexically_relative(path_).string());
  return names;
}

void sync_use_mark(const path& repository) {
  const FileDescriptor mark(::open((repository / in_use).c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  if (mark) [[maybe_unused]]
    const auto ignored = ::fsync(mark.get());
}

/// The mark is the file's content: a file that stays, and is never shortened, is cheaper than one that comes
/// and goes.
RepositoryUse::RepositoryUse(const Repository& repository)
    : file_(::open((repository.path() / in_use).c_str(), O_CREAT | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0600)) {
  if (file_ && ::pwrite(file_.get(), &used, 1, 0) == 1) return;
  throw Error(ErrorKind::internal,
              fmt::format("writing {}: {}", (repository.path() / in_use).string(), std::strerror(errno)));
}

RepositoryUse::~RepositoryUse() {
  [[maybe_unused]] const auto ignored = ::pwrite(file_.get(), &unused, 1, 0);
}

}  // namespace refsyncd
