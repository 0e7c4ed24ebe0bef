#include "git/condition.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

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

constexpr auto mark = "refsyncd-maintained";
constexpr size_t object_folders = 256;

file_time_type changed_at(const path& file) {
  std::error_code problem;
  const auto time = std::filesystem::last_write_time(file, problem);
  return problem ? file_time_type::min() : time;
}

template <class Visit>
void each_entry(const path& folder, Visit visit) {
  std::error_code problem;
  for (directory_iterator at(folder, problem), end; !problem && at != end; at.increment(problem)) visit(*at);
}

/// Collects what a condition is made of, compared with when the last maintenance ended.
class Look {
 public:
  explicit Look(const path& repository)
      : repository_(repository), maintained_(changed_at(repository / mark)) {
    if (maintained_ == file_time_type::min()) return;
    found_.maintained = std::chrono::floor<milliseconds>(std::chrono::file_clock::to_sys(maintained_));
  }

  Condition condition() {
    look_at_packs();
    look_at_refs();
    each_entry(repository_ / "objects" / "17", [this](const directory_entry&) { ++found_.loose_objects; });
    found_.loose_objects *= object_folders;
    each_entry(repository_ / "refsyncd-scratch", [this](const directory_entry& entry) {
      if (entry.path().filename() != ScratchRepository::spare_name) ++found_.leftovers;
    });
    return found_;
  }

 private:
  bool is_newer(const path& file) const { return changed_at(file) > maintained_; }

  void look_at_packs() {
    const auto folder = repository_ / "objects" / "pack";
    each_entry(folder, [this](const directory_entry& entry) {
      const auto name = entry.path().filename().string();
      if (name.starts_with("tmp_") || name.starts_with(".tmp-")) ++found_.leftovers;
      if (entry.path().extension() != ".idx") return;
      ++found_.packs;
      if (is_newer(entry.path())) ++found_.new_packs;
    });
    if (is_newer(folder)) found_.changed = true;
  }

  /// A ref's file is moved into its folder, and packed-refs replaced as a whole.
  void look_at_refs() {
    const auto folder = repository_ / "refs";
    std::error_code problem;
    for (recursive_directory_iterator at(folder, problem), end; !problem && at != end;
         at.increment(problem)) {
      std::error_code ignored;
      if (at->is_regular_file(ignored)) {
        ++found_.loose_refs;
      } else if (is_newer(at->path())) {
        found_.changed = true;
      }
    }
    if (is_newer(folder) || is_newer(repository_ / "packed-refs")) found_.changed = true;
  }

  path repository_;
  file_time_type maintained_;
  Condition found_;
};

}  // namespace

Condition examine(const path& repository) { return Look(repository).condition(); }

void mark_maintained(const path& repository) {
  const auto place = repository / mark;
  const FileDescriptor file(::open(place.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file && ::futimens(file.get(), nullptr) == 0) return;
  throw Error(ErrorKind::internal, fmt::format("writing {}: {}", place.string(), std::strerror(errno)));
}

}  // namespace refsyncd
