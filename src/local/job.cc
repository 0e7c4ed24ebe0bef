#include "local/job.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/allocator.h"
#include "base/duration.h"
#include "base/handle.h"
#include "base/temporary_folder.h"
#include "base/text.h"
#include "config/secrets.h"
#include "local/backup.h"
#include "local/head.h"
#include "local/patience.h"
#include "local/upkeep.h"

namespace refsyncd {
namespace {

namespace fs = std::filesystem;

/// Each lookup of an object may look into every pack.
constexpr size_t many_packs = 50;
/// So many come together only where maintenance is kept from its work.
constexpr size_t too_many_packs = 200;

/// What must not wait for maintenance: it does not come to repositories with a path of their own, and not to
/// a process that ends soon (refsyncd once). Best effort: what stays is looked at again by the next sync.
void tidy_up(const Repository& repository, bool managed, bool first, WallTime backups_until,
             const Operation& operation) {
  try {
    if (first || !managed) remove_expired_backups(repository, backups_until, operation);
    if (managed) repository.consolidate_packs(operation, first ? many_packs : too_many_packs);
  } catch (const Error&) {
    return;
  }
}

/// The lists of a sync of more refs take megabytes, and it is not soon repeated: what is asked often and
/// finds nothing is no job.
constexpr size_t very_many_refs = 5'000;

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

}  // namespace

Secret read_credential(const Auth& auth) {
  return std::visit(match{[](const std::monostate&) { return Secret{}; },
                          [](const TokenAuth& token) { return read_secret(token.token); },
                          [](const BearerAuth& bearer) { return read_secret(bearer.bearer); },
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
  const auto& [sync, repo, listed, deadline, kept_waiting] = assignment;
  SyncEnd end;
  RefResults handled;
  try {
    Operation operation;
    operation.deadline = deadline;
    operation.stop = std::move(stop);
    operation.progress = progress;
    operation.kept_waiting = kept_waiting;
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
  if (handled.size() > very_many_refs) give_back_freed_memory();
  if (!end.failure || !handled.empty()) end.refs = std::make_shared<const RefResults>(std::move(handled));
  const std::scoped_lock lock(mutex_);
  if (met_obstacle(sync.request.direction, end)) {
    tidy_.erase(repo.path);
  } else {
    tidy_.insert(repo.path);
  }
  return end;
}

void SyncJob::run(const Sync& sync, const Repo& repo, const Operation& operation, RefResults& handled) {
  const bool first = !is_tidy(repo.path);
  const auto repository = open(sync, repo);
  const RepositoryUse use(repository);
  const auto upstream = remote(repo, operation);
  const auto make_scratch = [&] { return repository.scratch(); };
  HeadWish head{.configured = repo.head, .upstream = {}};
  if (sync.request.direction == Direction::pull) {
    Pull pull(sync.request, *upstream, repository, make_scratch);
    pull.carry_out(sync, pull.plan(), operation, handled);
    head.upstream = pull.upstream_head();
    head.gone = pull.head_is_gone();
  } else {
    Push push(sync.request, *upstream, repository, make_scratch);
    push.carry_out(sync, push.plan(), operation, handled);
  }
  tidy_up(repository, repo.managed, first, clock_.now() - keep_backups_, operation);
  try {
    move_head(repository, head);
  } catch (const Error&) {
    // What nobody has asked for fails no sync, and is tried again by the next.
    if (!repo.head.empty()) throw;
  }
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
  if (is_tidy(repo.path)) return repository;
  if (sync.request.direction == Direction::push) refuse_empty_refs(repository);
  repository.remove_leftovers({.ours = std::chrono::duration_cast<milliseconds>(clock_.steady() - started_)});
  return repository;
}

bool SyncJob::is_tidy(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  return tidy_.contains(path);
}

std::unique_ptr<Remote> SyncJob::remote(const Repo& repo, Operation operation) const {
  operation.max_pack_bytes = repo.upstream->max_pack;
  return make_remote_(*repo.upstream, read_credential(repo.upstream->auth), std::move(operation));
}

RefResults SyncJob::plan(const SyncRequest& request, const Repo& repo) const {
  if (!repo.upstream)
    throw Error(ErrorKind::bad_config, fmt::format("repository '{}' has no upstream", repo.name));
  Operation operation;
  operation.deadline = clock_.steady() + request.timeout;
  const TemporaryFolder folder;
  const bool to_be_made = repo.managed && !fs::exists(repo.path);
  const auto repository = to_be_made ? Repository::open(git_, folder.path() / "empty.git", true)
                                     : Repository::open(git_, repo.path, false);
  const auto upstream = remote(repo, operation);
  const auto make_scratch = [&] {
    return ScratchRepository(folder.path() / "scratch.git", repository.path());
  };
  return request.direction == Direction::pull ? Pull(request, *upstream, repository, make_scratch).plan()
                                              : Push(request, *upstream, repository, make_scratch).plan();
}

}  // namespace refsyncd
