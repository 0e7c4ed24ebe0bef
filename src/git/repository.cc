#include "git/repository.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/file.h"
#include "base/handle.h"
#include "base/uuid.h"
#include "git/repository_audit.h"

namespace refsyncd {
namespace {

using Path = std::filesystem::path;

constexpr auto longest_repack = std::chrono::minutes(5);

/// What a repository of ours is configured with beyond Git's defaults: nobody but us tidies it, and pushes
/// into it can neither delete nor rewind.
constexpr std::string_view new_configuration = R"([core]
	repositoryformatversion = 0
	filemode = true
	bare = true
[gc]
	auto = 0
[maintenance]
	auto = false
[receive]
	autogc = false
	fsckObjects = true
	denyDeletes = true
	denyDeleteCurrent = true
	denyNonFastForwards = true
)";

[[noreturn]] void fail(std::string_view doing, const Path& what, int problem) {
  throw Error(ErrorKind::internal, fmt::format("{} {}: {}", doing, what.string(), std::strerror(problem)));
}

void make_directory(const Path& folder) {
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem) fail("creating", folder, problem.value());
}

/// Removes what creations of this repository left that were killed half way.
void remove_half_made(const Path& place) {
  const auto prefix = place.filename().string() + ".new-";
  std::error_code problem;
  for (std::filesystem::directory_iterator at(place.parent_path(), problem), end; !problem && at != end;
       at.increment(problem)) {
    const auto name = at->path().filename().string();
    if (!name.starts_with(prefix) || !time_of_uuid(std::string_view(name).substr(prefix.size()))) continue;
    std::error_code ignored;
    std::filesystem::remove_all(at->path(), ignored);
  }
}

/// In a folder that nobody sees yet, and whose entries are made durable together.
void write_new_file(const Path& file, std::string_view content) {
  const FileDescriptor made(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!made) fail("creating", file, errno);
  if (::write(made.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size()))
    fail("writing", file, errno);
  if (::fsync(made.get()) != 0) fail("syncing", file, errno);
}

/// Makes the repository beside its place and moves it there in one step, so that it is never seen half made.
/// No template is copied: it has no hooks.
void create_repository(const Path& place) {
  make_directory(place.parent_path());
  remove_half_made(place);
  auto made = place;
  made += fmt::format(".new-{}", new_uuid(SystemClock().now()));
  const Finally tidy([&] {
    std::error_code ignored;
    std::filesystem::remove_all(made, ignored);
  });
  for (const auto* folder : {"objects/info", "objects/pack", "refs/heads", "refs/tags"})
    make_directory(made / folder);
  write_new_file(made / "config", new_configuration);
  write_new_file(made / "HEAD", "ref: refs/heads/main\n");
  sync_directory(made);
  if (::rename(made.c_str(), place.c_str()) != 0) fail("creating", place, errno);
  sync_directory(place.parent_path());
}

void sync_file(const Path& file) {
  const FileDescriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!opened || ::fsync(opened.get()) != 0) fail("syncing", file, errno);
}

void move_into(const Path& folder, const Path& file) {
  if (::rename(file.c_str(), (folder / file.filename()).c_str()) != 0) fail("moving", file, errno);
}

size_t count_loose_refs(const Path& repository) {
  size_t loose = 0;
  std::error_code problem;
  using Walk = std::filesystem::recursive_directory_iterator;
  for (Walk at(repository / "refs", problem), end; !problem && at != end; at.increment(problem)) {
    if (at->is_regular_file(problem)) ++loose;
  }
  return loose;
}

size_t count_packs(const Path& repository) {
  std::error_code problem;
  size_t packs = 0;
  for (std::filesystem::directory_iterator at(repository / "objects" / "pack", problem), end;
       !problem && at != end; at.increment(problem)) {
    if (at->path().extension() == ".idx") ++packs;
  }
  return packs;
}

}  // namespace

Repository Repository::open(const GitProgram& git, const Path& place, bool create) {
  std::error_code problem;
  const auto status = std::filesystem::status(place, problem);
  const bool missing = status.type() == std::filesystem::file_type::not_found;
  const bool vacant = missing || (create && std::filesystem::is_directory(status) &&
                                  std::filesystem::is_empty(place, problem) && !problem);
  if (vacant && !create) {
    throw Error(ErrorKind::not_found, fmt::format("the repository {} does not exist", place.string()));
  }
  if (vacant) create_repository(std::filesystem::absolute(place).lexically_normal());
  const auto real = std::filesystem::canonical(place, problem);
  if (problem) throw Error(ErrorKind::bad_config, fmt::format("{}: {}", place.string(), problem.message()));
  audit_repository(real);
  return Repository(git, real);
}

ScratchRepository Repository::scratch() const {
  return ScratchRepository(path_ / "refsyncd-scratch" / new_uuid(SystemClock().now()), path_);
}

void Repository::adopt_objects(ScratchRepository& scratch) const {
  const auto from = scratch.path() / "objects" / "pack";
  const auto to = path_ / "objects" / "pack";
  make_directory(to);
  std::vector<Path> files;
  for (const auto& entry : std::filesystem::directory_iterator(from)) {
    const auto kind = entry.path().extension();
    if (kind == ".pack" || kind == ".rev" || kind == ".idx") files.push_back(entry.path());
  }
  if (files.empty()) return;
  for (const auto& file : files) sync_file(file);
  // A pack exists for readers once its index does, so the index comes last.
  std::partition(files.begin(), files.end(), [](const Path& file) { return file.extension() != ".idx"; });
  for (const auto& file : files) move_into(to, file);
  sync_directory(to);
}

void Repository::set_head(const std::string& branch) const {
  const auto finished = git_->run(path_, {"symbolic-ref", "HEAD", branch}, {});
  if (!finished.ok())
    throw classify_git_failure(finished, fmt::format("pointing HEAD of {} elsewhere", path_.string()));
}

void Repository::pack_refs(const Operation& operation, size_t many) const {
  if (count_loose_refs(path_) < many) return;
  const auto finished = git_->run(path_, {"pack-refs", "--all"}, operation);
  if (!finished.ok())
    throw classify_git_failure(finished, fmt::format("packing the refs of {}", path_.string()));
}

void Repository::consolidate_packs(const Operation& operation, size_t many) const {
  if (count_packs(path_) < many) return;
  auto bounded = operation;
  bounded.deadline = std::min(operation.deadline, std::chrono::steady_clock::now() + longest_repack);
  const auto finished = git_->run(path_, {"repack", "-d", "-n", "-q", "--geometric=2"}, bounded);
  if (!finished.ok())
    throw classify_git_failure(finished, fmt::format("consolidating the packs of {}", path_.string()));
}

void Repository::extend_commit_graph(const Operation& operation) const {
  const auto finished =
      git_->run(path_, {"commit-graph", "write", "--reachable", "--split", "--no-progress"}, operation);
  if (!finished.ok())
    throw classify_git_failure(finished, fmt::format("writing the commit-graph of {}", path_.string()));
}

}  // namespace refsyncd
