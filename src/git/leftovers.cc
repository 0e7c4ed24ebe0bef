#include <filesystem>

#include "git/repository.h"

namespace refsyncd {
namespace {

using std::filesystem::directory_entry;
using std::filesystem::directory_iterator;
using std::filesystem::file_time_type;
using std::filesystem::path;
using std::filesystem::recursive_directory_iterator;

/// Removes entries that are older than a moment. What vanishes meanwhile, or resists, is passed over: the
/// next call sees it again.
class Broom {
 public:
  explicit Broom(file_time_type before) : before_(before) {}

  void sweep(const directory_entry& entry) {
    std::error_code problem;
    const auto changed = entry.last_write_time(problem);
    if (problem || changed > before_) return;
    std::filesystem::remove_all(entry.path(), problem);
    if (!problem) ++removed_;
  }
  size_t removed() const { return removed_; }

 private:
  file_time_type before_;
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
bool is_lock_or_temporary(const std::string& name) { return is_lock(name) || name.starts_with("tmp_"); }

/// A ref file that a power loss left empty hides the ref's last packed value and blocks every update.
bool is_empty_file(const directory_entry& entry) {
  std::error_code problem;
  return entry.is_regular_file(problem) && !entry.is_symlink(problem) && entry.file_size(problem) == 0;
}

void sweep_refs(const path& refs, Broom& broom) {
  std::error_code problem;
  std::vector<directory_entry> found;
  for (recursive_directory_iterator at(refs, problem), end; !problem && at != end; at.increment(problem)) {
    if (is_lock(at->path().filename().string()) || is_empty_file(*at)) found.push_back(*at);
  }
  for (const auto& entry : found) {
    std::error_code ignored;
    if (!entry.is_directory(ignored)) broom.sweep(entry);
  }
}

void sweep_objects(const path& objects, Broom& broom) {
  sweep_folder(objects, broom, is_lock_or_temporary);
  sweep_folder(objects / "pack", broom, is_lock_or_temporary);
  sweep_folder(objects / "info", broom, is_lock_or_temporary);
  sweep_folder(objects / "info" / "commit-graphs", broom, is_lock_or_temporary);
  std::error_code problem;
  for (directory_iterator at(objects, problem), end; !problem && at != end; at.increment(problem)) {
    if (at->path().filename().string().size() == 2) sweep_folder(at->path(), broom, is_lock_or_temporary);
  }
}

}  // namespace

size_t Repository::remove_leftovers(milliseconds age) const {
  Broom broom(file_time_type::clock::now() - age);
  sweep_folder(path_, broom,
               [](const std::string& name) { return is_lock(name) || name == "packed-refs.new"; });
  sweep_refs(path_ / "refs", broom);
  sweep_objects(path_ / "objects", broom);
  sweep_folder(path_ / "refsyncd-scratch", broom, [](const std::string&) { return true; });
  return broom.removed();
}

}  // namespace refsyncd
