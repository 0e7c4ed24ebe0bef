#include "local/job.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/duration.h"
#include "base/handle.h"
#include "base/temporary_folder.h"
#include "base/text.h"
#include "config/secrets.h"
#include "local/backup.h"
#include "local/patience.h"

namespace refsyncd {
namespace {

namespace fs = std::filesystem;

/// Best effort: what stays is looked at again by the next sync.
void remove_expired_backups(const Repository& repository, WallTime before, const Operation& operation) {
  try {
    const auto expired = expired_backups(repository.reader().refs_below(backup_prefix), before);
    if (!expired.empty()) repository.update_refs(expired, operation);
  } catch (const Error&) {
    return;
  }
}

/// Best effort, and only in repositories that nobody else tends.
void consolidate_packs(const Repository& repository, const Operation& operation) {
  try {
    repository.consolidate_packs(operation);
  } catch (const Error&) {
    return;
  }
}

/// git tells that it was turned away, but not for how long. A 503 that names a time is a throttle.
void learn_patience(Failure& failure, const Upstream& upstream) {
  const bool busy = failure.kind == ErrorKind::transient && tells_of_status_503(failure);
  if (failure.retry_after || (failure.kind != ErrorKind::throttled && !busy)) return;
  failure.retry_after = asked_patience(upstream);
  if (failure.retry_after) failure.kind = ErrorKind::throttled;
}

/// An empty file hides a ref's value, and what it would be without the file is older: neither is fit to be
/// pushed.
void refuse_empty_refs(const Repository& repository) {
  const auto names = repository.empty_refs();
  if (names.empty()) return;
  throw Error(
      ErrorKind::untrusted,
      fmt::format("the file of {} in {} is empty, as a power loss leaves it: its value is lost. Set the "
                  "ref again (git update-ref), or remove the file",
                  printable(names.front(), 200), repository.path().string()));
}

/// Something stood in the way that may be a killed git's leftover.
bool met_obstacle(Direction direction, const SyncEnd& end) {
  if (end.failure) return true;
  return direction == Direction::pull &&
         std::any_of(end.refs->begin(), end.refs->end(),
                     [](const RefResult& ref) { return ref.reason == Reason::raced && !ref.detail.empty(); });
}

/// HEAD names the wished branch as soon as there is one.
void point_head(const Repository& repository, const std::string& branch) {
  if (branch.empty()) return;
  const auto reader = repository.reader();
  if (reader.head_target() != branch && reader.value_of(branch)) repository.set_head(branch);
}

}  // namespace

Secret read_credential(const Auth& auth) {
  return std::visit(match{[](const std::monostate&) { return Secret{}; },
                          [](const TokenAuth& token) { return read_secret(token.token); },
                          [](const PasswordAuth& password) { return read_secret(password.password); },
                          [](const SshAuth&) { return Secret{}; }},
                    auth);
}

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

SyncEnd SyncJob::perform(const Assignment& assignment, std::stop_token stop,
                         const LocalService::Progress& progress) {
  const auto& [sync, repo, listed] = assignment;
  const auto deadline = clock_.steady() + sync.request.timeout;
  SyncEnd end;
  RefResults handled;
  try {
    Operation operation;
    operation.deadline = deadline;
    operation.stop = std::move(stop);
    operation.progress = progress;
    operation.listed = listed;
    run(sync, repo, operation, handled);
  } catch (...) {
    end.failure = current_failure();
    if (repo.upstream) learn_patience(*end.failure, *repo.upstream);
    if (clock_.steady() >= deadline && end.failure->kind == ErrorKind::transient) {
      end.failure->message =
          fmt::format("timed out after {}: {}", format_duration(sync.request.timeout), end.failure->message);
    }
  }
  if (!end.failure || !handled.empty()) end.refs = std::make_shared<const RefResults>(std::move(handled));
  const std::scoped_lock lock(mutex_);
  if (met_obstacle(sync.request.direction, end)) {
    tidy_.erase(repo.name);
  } else {
    tidy_.insert(repo.name);
  }
  return end;
}

void SyncJob::run(const Sync& sync, const Repo& repo, const Operation& operation, RefResults& handled) {
  const auto repository = open(sync, repo);
  const RepositoryUse use(repository);
  const auto upstream = remote(repo, operation);
  const auto transfer = [&](auto way) {
    auto results = way.plan();
    way.carry_out(sync, std::move(results), operation, handled);
  };
  const auto make_scratch = [&] { return repository.scratch(); };
  sync.request.direction == Direction::pull
      ? transfer(Pull(sync.request, *upstream, repository, make_scratch))
      : transfer(Push(sync.request, *upstream, repository, make_scratch));
  point_head(repository, repo.head);
  remove_expired_backups(repository, clock_.now() - keep_backups_, operation);
  if (repo.managed) consolidate_packs(repository, operation);
}

/// Before a repository's first sync of this process, and after one that met an obstacle, cleans up what
/// killed git processes left.
Repository SyncJob::open(const Sync& sync, const Repo& repo) {
  if (sync.request.direction == Direction::push && repo.managed && !fs::exists(repo.path)) {
    throw Error(
        ErrorKind::not_found,
        fmt::format("repository '{}' does not exist yet: nothing was ever pulled into it", repo.name));
  }
  auto repository = Repository::open(git_, repo.path, repo.managed);
  {
    const std::scoped_lock lock(mutex_);
    if (tidy_.contains(repo.name)) return repository;
  }
  if (sync.request.direction == Direction::push) refuse_empty_refs(repository);
  repository.remove_leftovers({.ours = std::chrono::duration_cast<milliseconds>(clock_.steady() - started_)});
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
