#include "base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/error.h"
#include "base/text.h"

namespace refsyncd {
namespace {

[[noreturn]] void fail(ErrorKind kind, std::string_view doing, const std::filesystem::path& path) {
  const auto problem = std::generic_category().message(errno);
  throw Error(kind, fmt::format("{} {}: {}", doing, path.string(), problem));
}

[[noreturn]] void fail_to_read(const std::filesystem::path& path) {
  fail(worth_waiting_for(errno) ? ErrorKind::transient : ErrorKind::bad_config, "reading", path);
}

void write_all(int fd, std::string_view content, const std::filesystem::path& path) {
  while (!content.empty()) {
    const auto written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(ErrorKind::internal, "writing", path);
    content.remove_prefix(static_cast<size_t>(written));
  }
}

}  // namespace

bool worth_waiting_for(int problem) {
  switch (problem) {
    case ENOSPC:
    case EDQUOT:
    case EROFS:
    case EIO:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
    case EADDRINUSE:
    case EADDRNOTAVAIL: return true;
    default: return false;
  }
}

void raise_file_limit() {
  constexpr rlim_t enough = 65'536;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= enough) return;
  limit.rlim_cur = std::min(limit.rlim_max, enough);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::string read_file(const std::filesystem::path& path, size_t limit) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) fail_to_read(path);
  std::string content;
  struct stat status {};
  if (::fstat(file.get(), &status) == 0 && status.st_size > 0)
    content.reserve(std::min(limit, static_cast<size_t>(status.st_size)));
  char buffer[1 << 16];
  for (;;) {
    const auto count = ::read(file.get(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_to_read(path);
    if (count == 0) return content;
    content.append(buffer, static_cast<size_t>(count));
    if (content.size() > limit) {
      throw Error(ErrorKind::bad_config,
                  fmt::format("reading {}: larger than {} bytes", path.string(), limit));
    }
  }
}

void write_file(const std::filesystem::path& path, std::string_view content, unsigned mode) {
  auto temporary = path;
  temporary += ".new";
  ::unlink(temporary.c_str());
  FileDescriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!file) fail(ErrorKind::internal, "creating", temporary);
  const Finally cleanup([&] { ::unlink(temporary.c_str()); });  // after an error; the rename leaves nothing
  write_all(file.get(), content, temporary);
  if (::fsync(file.get()) != 0) fail(ErrorKind::internal, "syncing", temporary);
  file.reset();
  if (::rename(temporary.c_str(), path.c_str()) != 0) fail(ErrorKind::internal, "renaming", temporary);
  sync_directory(path.has_parent_path() ? path.parent_path() : ".");
}

void write_private_file(const std::filesystem::path& path, std::string_view content) {
  const auto folder = path.parent_path();
  std::error_code problem;
  if (std::filesystem::create_directories(folder, problem)) {
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, problem);
  }
  if (problem) {
    throw Error(ErrorKind::internal, fmt::format("making {}: {}", folder.string(), problem.message()));
  }
  write_file(path, content, 0600);
  sync_directory(folder.parent_path());
}

void sync_directory(const std::filesystem::path& directory) {
  const FileDescriptor file(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!file) fail(ErrorKind::internal, "opening", directory);
  if (::fsync(file.get()) != 0) fail(ErrorKind::internal, "syncing", directory);
}

FileLock::FileLock(const std::filesystem::path& path)
    : file_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
  if (!file_) fail(worth_waiting_for(errno) ? ErrorKind::transient : ErrorKind::bad_config, "opening", path);
  if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) fail(ErrorKind::bad_config, "locking", path);
    char holder[32] = {};
    const auto length = ::read(file_.get(), holder, sizeof holder - 1);
    throw LockHeld(
        fmt::format("{} is in use by another refsyncd (process {})",
                    std::filesystem::absolute(path).parent_path().string(),
                    length > 0 ? printable(trim({holder, static_cast<size_t>(length)})) : "unknown"));
  }
  if (::ftruncate(file_.get(), 0) != 0) fail(ErrorKind::bad_config, "writing", path);
  write_all(file_.get(), fmt::format("{}\n", ::getpid()), path);
}

}  // namespace refsyncd
