#include "local/job.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/duration.h"
#include "base/handle.h"
#include "base/temporary_folder.h"
#include "config/secrets.h"
#include "local/backup.h"
#include "local/patience.h"

namespace refsyncd {
namespace {

namespace fs = std::filesystem;

Secret read_credential(const Auth& auth) {
  return std::visit(match{[](const std::monostate&) { return Secret{}; },
                          [](const TokenAuth& token) { return read_secret(token.token); },
                          [](const PasswordAuth& password) { return read_secret(password.password); },
                          [](const SshAuth&) { return Secret{}; }},
                    auth);
}

void remove_expired_backups(const Repository& repository, WallTime before, const Operation& operation) {
  const auto expired = expired_backups(repository.reader().refs_below(backup_prefix), before);
  if (!expired.empty()) repository.update_refs(expired, operation);
}

}  // namespace

RefRules rules_of(const SyncRequest& request) {
  return {.globs = request.globs, .exclude = request.exclude, .force = request.force, .prune = request.prune};
}

SyncJob::SyncJob(const Clock& clock, const GitProgram& git, RemoteFactory make_remote,
                 milliseconds keep_backups)
    : clock_(clock),
      git_(git),
      make_remote_(std::move(make_remote)),
      keep_backups_(keep_backups),
      started_(clock.steady()) {}

SyncEnd SyncJob::perform(const Sync& sync, const Repo& repo, std::stop_token stop,
                         const LocalService::Progress& progress) {
  const auto deadline = clock_.steady() + sync.request.timeout;
  SyncEnd end;
  try {
    Operation operation;
    operation.deadline = deadline;
    operation.stop = std::move(stop);
    operation.progress = progress;
    end.refs = std::make_shared<const RefResults>(run(sync, repo, operation));
  } catch (...) {
    end.failure = current_failure();
    if (end.failure->kind == ErrorKind::throttled && !end.failure->retry_after) {
      end.failure->retry_after = asked_patience(*repo.upstream);
    }
    if (clock_.steady() >= deadline && end.failure->kind == ErrorKind::transient) {
      end.failure->message =
          fmt::format("timed out after {}: {}", format_duration(sync.request.timeout), end.failure->message);
    }
  }
  const std::scoped_lock lock(mutex_);
  last_end_[repo.name] = end.failure ? SyncStatus::failed : SyncStatus::completed;
  return end;
}

RefResults SyncJob::run(const Sync& sync, const Repo& repo, const Operation& operation) {
  const auto repository = open(sync, repo);
  const auto upstream = remote(repo, operation);
  const auto transfer = [&](auto way) {
    auto results = way.plan();
    return way.carry_out(sync, std::move(results), operation);
  };
  const auto make_scratch = [&] { return repository.scratch(); };
  auto results = sync.request.direction == Direction::pull
                     ? transfer(Pull(sync.request, *upstream, repository, make_scratch))
                     : transfer(Push(sync.request, *upstream, repository, make_scratch));
  if (sync.request.force || sync.request.prune) {
    remove_expired_backups(repository, clock_.now() - keep_backups_, operation);
  }
  return results;
}

/// Before a repository's first sync of this process, and after a failed one, cleans up what killed git
/// processes left. The age spares files of somebody else's running git.
Repository SyncJob::open(const Sync& sync, const Repo& repo) {
  if (sync.request.direction == Direction::push && repo.managed && !fs::exists(repo.path)) {
    throw Error(
        ErrorKind::not_found,
        fmt::format("repository '{}' does not exist yet: nothing was ever pulled into it", repo.name));
  }
  auto repository = Repository::open(git_, repo.path, repo.managed);
  std::optional<SyncStatus> last_end;
  {
    const std::scoped_lock lock(mutex_);
    if (const auto known = last_end_.find(repo.name); known != last_end_.end()) last_end = known->second;
  }
  if (!last_end) {
    repository.remove_leftovers(std::chrono::duration_cast<milliseconds>(clock_.steady() - started_));
  } else if (*last_end == SyncStatus::failed) {
    repository.remove_leftovers(std::chrono::minutes(1));
  }
  return repository;
}

std::unique_ptr<Remote> SyncJob::remote(const Repo& repo, const Operation& operation) const {
  return make_remote_(*repo.upstream, read_credential(repo.upstream->auth), operation);
}

RefResults SyncJob::plan(const SyncRequest& request, const Repo& repo) const {
  if (!repo.upstream)
    throw Error(ErrorKind::bad_config, fmt::format("repository '{}' has no upstream", repo.name));
  Operation operation;
  operation.deadline = clock_.steady() + request.timeout;
  const TemporaryFolder folder;
  const bool exists = fs::exists(repo.path);
  if (!exists && request.direction == Direction::push) {
    throw Error(ErrorKind::not_found, fmt::format("repository '{}' does not exist yet", repo.name));
  }
  const auto repository = exists ? Repository::open(git_, repo.path, false)
                                 : Repository::open(git_, folder.path() / "empty.git", true);
  const auto upstream = remote(repo, operation);
  const auto make_scratch = [&] {
    return ScratchRepository(folder.path() / "scratch.git", repository.path());
  };
  return request.direction == Direction::pull ? Pull(request, *upstream, repository, make_scratch).plan()
                                              : Push(request, *upstream, repository, make_scratch).plan();
}

}  // namespace refsyncd
