#include "local/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/uuid.h"

namespace refsyncd {
namespace {

/// A sync that was interrupted in so many attempts may be what ends the agent: it is not begun again.
constexpr int most_interrupted_attempts = 5;

}  // namespace

LocalService::LocalService(Surroundings surroundings, std::string org, size_t concurrency, size_t per_host)
    : around_(std::move(surroundings)),
      queue_(concurrency, per_host),
      catalog_(around_.recorder, around_.clock, std::move(org), around_.data_dir) {}

LocalService::~LocalService() { *alive_ = false; }

void LocalService::configure(std::vector<Repo> repos, size_t concurrency, size_t per_host) {
  catalog_.configure(std::move(repos));
  queue_.set_limits(concurrency, per_host);
  start_what_may();
}

void LocalService::adopt(std::vector<RepositoryRecord> repositories, std::vector<Sync> unfinished) {
  catalog_.adopt(std::move(repositories));
  if (auto left = catalog_.leftovers(); !left.empty()) remove_in_background(std::move(left));
  for (auto& sync : unfinished) {
    const bool hopeless = sync.status == SyncStatus::in_progress && sync.attempt >= most_interrupted_attempts;
    if (sync.status == SyncStatus::in_progress && !hopeless) {
      sync.status = SyncStatus::queued;
      sync.started_at.reset();
      sync.attempt += 1;
      around_.recorder.record(sync);
    }
    around_.recorder.when_durable([this, sync] { around_.observer.sync_queued(sync); });
    const auto [at, added] = syncs_.emplace(sync.id, sync);
    if (added && hopeless) given_up_.push_back(sync.id);
    if (added && !hopeless) put_in_queue(at->second);
  }
  adopting_ = true;
}

void LocalService::tick() {
  if (!std::exchange(adopting_, false)) return;
  for (const auto& id : std::exchange(given_up_, {})) give_up(id);
  start_what_may();
}

void LocalService::give_up(const std::string& id) {
  auto sync = std::move(syncs_.at(id));
  syncs_.erase(id);
  Failure why{.kind = ErrorKind::internal,
              .message = fmt::format("the agent ended in the middle of it {} times", sync.attempt),
              .retry_after = {}};
  finish(std::move(sync), {.refs = nullptr, .failure = std::move(why)});
}

void LocalService::refuse(Answer answer, ErrorKind kind, std::string message) {
  around_.recorder.when_durable(
      [answer = std::move(answer),
       why = Failure{.kind = kind, .message = std::move(message), .retry_after = {}}] {
        answer(nullptr, &why);
      });
}

void LocalService::enqueue(const SyncRequest& request, Answer answer) {
  const auto* repo = catalog_.find(request.repo);
  if (repo == nullptr) {
    return refuse(std::move(answer), ErrorKind::not_found,
                  fmt::format("there is no repository '{}'", request.repo));
  }
  if (!repo->upstream) {
    return refuse(std::move(answer), ErrorKind::bad_config,
                  fmt::format("repository '{}' has no upstream", request.repo));
  }
  auto* sync = find_waiting(request);
  const bool is_new = sync == nullptr;
  if (is_new) {
    sync = &add(request);
  } else {
    queue_.raise(sync->id, request.priority);
    sync->request.priority = std::min(sync->request.priority, request.priority);
    sync->request.timeout = std::max(sync->request.timeout, request.timeout);
    if (sync->request.policy.empty()) sync->request.policy = request.policy;
  }
  around_.recorder.record(*sync);
  around_.recorder.when_durable([this, is_new, answer = std::move(answer), sync = *sync] {
    if (is_new) around_.observer.sync_queued(sync);
    answer(&sync, nullptr);
  });
  start_what_may();
}

void LocalService::raise(const std::string& sync_id, Priority priority) {
  const auto found = syncs_.find(sync_id);
  if (found == syncs_.end() || found->second.status != SyncStatus::queued) return;
  auto& sync = found->second;
  if (sync.request.priority <= priority) return;
  queue_.raise(sync_id, priority);
  sync.request.priority = priority;
  around_.recorder.record(sync);
}

Sync* LocalService::find_waiting(const SyncRequest& request) {
  const auto [first, last] = waiting_by_repo_.equal_range(request.repo);
  for (auto it = first; it != last; ++it) {
    auto& sync = syncs_.at(it->second);
    if (sync.request.same_work(request)) return &sync;
  }
  return nullptr;
}

Sync& LocalService::add(const SyncRequest& request) {
  const auto now = around_.clock.now();
  Sync sync;
  sync.id = new_uuid(now);
  sync.repo_id = catalog_.id_of(request.repo);
  sync.request = request;
  sync.request.asked_before.reset();  // every sync of ours is in the store: none is lost
  sync.created_at = now;
  auto& added = syncs_.emplace(sync.id, sync).first->second;
  put_in_queue(added);
  return added;
}

void LocalService::put_in_queue(const Sync& sync) {
  const auto* repo = catalog_.find(sync.request.repo);
  const bool known = repo != nullptr && repo->upstream;
  waiting_by_repo_.emplace(sync.request.repo, sync.id);
  queue_.add({.id = sync.id,
              .repo = sync.request.repo,
              .host = known ? repo->upstream->host : "",
              .priority = sync.request.priority});
}

void LocalService::no_longer_waiting(const Sync& sync) {
  const auto [first, last] = waiting_by_repo_.equal_range(sync.request.repo);
  const auto at = std::find_if(first, last, [&](const auto& entry) { return entry.second == sync.id; });
  if (at != last) waiting_by_repo_.erase(at);
}

void LocalService::start_what_may() {
  while (!stopped_ && !adopting_) {
    const auto id = queue_.take();
    if (!id) return;
    start(*id);
  }
}

void LocalService::start(const std::string& id) {
  auto& sync = syncs_.at(id);
  no_longer_waiting(sync);
  sync.status = SyncStatus::in_progress;
  sync.started_at = around_.clock.now();
  running_.emplace(id, Running{});
  around_.recorder.record(sync);
  around_.recorder.when_durable([this, id] { launch(id); });
}

void LocalService::launch(const std::string& id) {
  const auto& sync = syncs_.at(id);
  around_.observer.sync_started(sync);
  listener_->sync_changed(sync);
  const auto& running = running_.at(id);
  const auto* repo = catalog_.find(sync.request.repo);
  if (repo == nullptr || !repo->upstream || running.cancelled || interrupting_) {
    Failure why{.kind = ErrorKind::bad_config,
                .message = fmt::format("repository '{}' is no longer configured", sync.request.repo),
                .retry_after = {}};
    return ended(id, {.refs = nullptr, .failure = std::move(why)});
  }
  around_.in_background([work = around_.work, sync, repo = *repo, stop = running.stop.get_token(),
                         on_loop = around_.on_loop, alive = alive_, this] {
    const auto progress = [&](std::string_view line) {
      on_loop([this, alive, sync, text = std::string(line)] {
        if (*alive) around_.observer.sync_progress(sync, text);
      });
    };
    auto end = work(sync, repo, stop, progress);
    on_loop([this, alive, id = sync.id, end = std::move(end)]() mutable {
      if (*alive) ended(id, std::move(end));
    });
  });
}

void LocalService::ended(const std::string& id, SyncEnd end) {
  queue_.finish(id);
  auto sync = std::move(syncs_.at(id));
  syncs_.erase(id);
  auto running = std::move(running_.at(id));
  running_.erase(id);
  const bool leave_for_next_process = interrupting_ && end.failure && !running.cancelled;
  if (!leave_for_next_process) {
    if (running.cancelled && end.failure) end.failure = running.cancelled;
    finish(std::move(sync), std::move(end));
  }
  if (!running.remove_at_end.empty()) remove_in_background(std::move(running.remove_at_end));
  start_what_may();
}

void LocalService::finish(Sync sync, SyncEnd end) {
  sync.status = end.failure ? SyncStatus::failed : SyncStatus::completed;
  sync.refs = std::move(end.refs);
  sync.failure = std::move(end.failure);
  sync.finished_at = around_.clock.now();
  around_.recorder.record(sync);
  around_.recorder.when_durable([this, sync = std::move(sync)] {
    around_.observer.sync_finished(sync);
    listener_->sync_changed(sync);
  });
}

bool LocalService::follow(const std::string& sync_id) {
  if (syncs_.contains(sync_id)) return true;
  auto sync = around_.store.sync(sync_id);
  if (!sync || !sync->terminal()) return false;
  around_.recorder.when_durable([this, sync = std::move(*sync)] { listener_->sync_changed(sync); });
  return true;
}

void LocalService::cancel(const std::string& sync_id, const Failure& why) {
  if (const auto running = running_.find(sync_id); running != running_.end()) {
    running->second.cancelled = why;
    running->second.stop.request_stop();
  } else if (queue_.remove(sync_id)) {
    auto sync = std::move(syncs_.at(sync_id));
    syncs_.erase(sync_id);
    no_longer_waiting(sync);
    finish(std::move(sync), {.refs = nullptr, .failure = why});
  }
}

bool LocalService::busy(const std::string& repository_id) const {
  return std::any_of(syncs_.begin(), syncs_.end(),
                     [&](const auto& entry) { return entry.second.repo_id == repository_id; });
}

void LocalService::remove_repository(const std::string& name) {
  const auto removed = catalog_.remove(name);
  std::vector<std::string> doomed;
  for (const auto& [id, sync] : syncs_) {
    if (sync.repo_id == removed.record.id) doomed.push_back(id);
  }
  for (const auto& id : doomed) {
    cancel(id, {.kind = ErrorKind::not_found, .message = "the repository was deleted", .retry_after = {}});
  }
  std::vector<std::filesystem::path> paths{removed.repo.path};
  const auto& credential = removed.record.definition->credential;
  if (!credential.empty()) paths.emplace_back(catalog_.credentials().source(credential).name);
  around_.recorder.when_durable([this, doomed = std::move(doomed), paths = std::move(paths)] {
    for (const auto& id : doomed) {
      const auto running = running_.find(id);
      if (running == running_.end()) continue;
      running->second.remove_at_end = paths;
      return;
    }
    remove_in_background(paths);
  });
}

/// What is not removed, because the process ends before, is removed by the next.
void LocalService::remove_in_background(std::vector<std::filesystem::path> paths) {
  around_.in_background([paths = std::move(paths)] {
    std::error_code ignored;
    for (const auto& path : paths) std::filesystem::remove_all(path, ignored);
  });
}

void LocalService::interrupt() {
  stopped_ = true;
  interrupting_ = true;
  for (auto& [id, running] : running_) running.stop.request_stop();
}

}  // namespace refsyncd
