#include "git/locked_refs.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <git2.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "git/libgit2.h"
#include "git/objects.h"
#include "git/ref_files.h"

namespace refsyncd {

using Path = std::filesystem::path;

bool has_plain_refs(const Path& repository) {
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

bool any_ref_files(const Path& repository) {
  std::error_code problem;
  using Walk = std::filesystem::recursive_directory_iterator;
  for (Walk at(repository / "refs", problem), end; !problem && at != end; at.increment(problem)) {
    if (at->symlink_status(problem).type() != std::filesystem::file_type::directory) return true;
  }
  return static_cast<bool>(problem);
}

bool is_allowed(const ObjectReader& reader, const RefUpdate& update) {
  if (!is_valid_ref_name(update.name)) return false;
  if (update.value.absent()) return true;
  if (!update.name.starts_with("refs/heads/")) return reader.contains(update.value);
  return reader.objects().type_of(update.value) == GIT_OBJECT_COMMIT;
}

LockedRefs::LockedRefs(const Path& repository)
    : repository_(repository), folder_(::open(repository.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (folder_) return;
  throw Error(ErrorKind::internal, fmt::format("opening {}: {}", repository.string(), std::strerror(errno)));
}

bool LockedRefs::has_file(const std::string& name) const {
  struct stat found {};
  if (::fstatat(folder_.get(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0) return true;
  return errno != ENOENT && errno != ENOTDIR;
}

Standing LockedRefs::standing(const RefUpdate& update) {
  std::error_code problem;
  const auto type = std::filesystem::symlink_status(repository_ / update.name, problem).type();
  if (type == std::filesystem::file_type::not_found) return standing_without_file(update);
  if (type != std::filesystem::file_type::regular) return Standing::unclear;
  const auto file = read_ref_file(repository_, update.name);
  if (!file || file->id.absent()) return Standing::unclear;
  return file->id == update.expected ? Standing::as_expected : Standing::moved;
}

/// A new ref's lock is a file in each of the folders its name has: no ref's file can have one's place.
Standing LockedRefs::standing_without_file(const RefUpdate& update) {
  if (const auto* found = packed().find(update.name))
    return found->id == update.expected ? Standing::as_expected : Standing::moved;
  if (!update.expected.absent()) return Standing::moved;
  return packed().is_in_the_way_of(update.name) ? Standing::unclear : Standing::as_expected;
}

const PackedRefs& LockedRefs::packed() {
  if (!packed_) packed_.emplace(read_packed_refs_text(repository_));
  return *packed_;
}

}  // namespace refsyncd
