#include "git/repository_audit.h"

#include <fmt/format.h>
#include <git2.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/handle.h"
#include "base/text.h"
#include "git/libgit2.h"

namespace refsyncd {
namespace {

using std::filesystem::path;

enum class Expected { file, directory };

/// The entry itself, not what a symbolic link points to; nothing when there is none.
std::optional<struct stat> look_at(const path& entry) {
  struct stat found {};
  if (::lstat(entry.c_str(), &found) == 0) return found;
  if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
  throw Error(ErrorKind::bad_config, fmt::format("{}: {}", entry.string(), std::strerror(errno)));
}

[[noreturn]] void distrust(const path& entry, std::string_view why) {
  throw Error(ErrorKind::untrusted, fmt::format("{} {}", printable(entry.string()), why));
}

void check_owner_and_mode(const path& entry, const struct stat& found) {
  if (S_ISLNK(found.st_mode)) distrust(entry, "is a symbolic link; control files must be real");
  if (found.st_uid != ::geteuid() && found.st_uid != 0) {
    distrust(entry, fmt::format("belongs to user {}, not to the agent's user {}", found.st_uid, ::geteuid()));
  }
  if ((found.st_mode & S_IWOTH) != 0)
    distrust(entry, "may be written by anybody; remove the permission (chmod o-w)");
}

void check_present(const path& repository, const char* name, Expected expected) {
  const auto entry = repository / name;
  const auto found = look_at(entry);
  const bool right =
      found && (S_ISLNK(found->st_mode) ||
                (expected == Expected::file ? S_ISREG(found->st_mode) : S_ISDIR(found->st_mode)));
  if (!right) {
    throw Error(ErrorKind::bad_config, fmt::format("{} is not a bare Git repository: it has no {}",
                                                   printable(repository.string()), name));
  }
  check_owner_and_mode(entry, *found);
}

void check_if_present(const path& entry) {
  if (const auto found = look_at(entry)) check_owner_and_mode(entry, *found);
}

using Configuration = Owned<git_config, git_config_free>;

Configuration read_configuration(const path& repository) {
  prepare_libgit2();
  git_config* opened = nullptr;
  if (git_config_open_ondisk(&opened, (repository / "config").c_str()) != 0) {
    throw Error(ErrorKind::bad_config, fmt::format("{} is not a valid Git configuration file",
                                                   printable((repository / "config").string())));
  }
  return Configuration(opened);
}

std::string value_of(const Configuration& configuration, const char* key) {
  git_buf text = GIT_BUF_INIT;
  const Finally release([&] { git_buf_dispose(&text); });
  if (git_config_get_string_buf(&text, configuration.get(), key) != 0) return {};
  return std::string(text.ptr, text.size);
}

void check_format(const path& repository) {
  const auto configuration = read_configuration(repository);
  const auto format = value_of(configuration, "extensions.objectformat");
  if (!format.empty() && format != "sha1") {
    throw Error(ErrorKind::bad_config,
                fmt::format("{} stores {} object ids; only SHA-1 repositories are supported",
                            repository.string(), printable(format, 40)));
  }
  if (const auto storage = value_of(configuration, "extensions.refstorage");
      !storage.empty() && storage != "files") {
    throw Error(ErrorKind::bad_config, fmt::format("{} stores its refs as '{}'; only 'files' is supported",
                                                   repository.string(), printable(storage, 40)));
  }
  int bare = 0;
  if (git_config_get_bool(&bare, configuration.get(), "core.bare") != 0 || bare == 0) {
    throw Error(ErrorKind::bad_config,
                fmt::format("{} is not a bare repository (core.bare is not true); refs of a "
                            "repository with a working tree are not touched",
                            repository.string()));
  }
}

}  // namespace

void audit_repository(const path& repository) {
  const auto folder = look_at(repository);
  if (!folder || !S_ISDIR(folder->st_mode)) {
    throw Error(ErrorKind::bad_config, fmt::format("{} is not a directory", printable(repository.string())));
  }
  if (repository.string().find('\n') != std::string::npos) {
    throw Error(ErrorKind::bad_config, "the path of a repository must not contain a line break");
  }
  if (look_at(repository / ".git")) {
    throw Error(ErrorKind::bad_config,
                fmt::format("{} has a working tree; name a bare repository", printable(repository.string())));
  }
  check_present(repository, "HEAD", Expected::file);
  check_present(repository, "objects", Expected::directory);
  check_present(repository, "refs", Expected::directory);
  check_present(repository, "config", Expected::file);
  check_owner_and_mode(repository, *folder);
  for (const auto* name : {"packed-refs", "refs/heads", "refs/tags", "refs/refsyncd", "objects/pack",
                           "objects/info", "objects/info/alternates", "refsyncd-scratch"}) {
    check_if_present(repository / name);
  }
  check_format(repository);
}

}  // namespace refsyncd
