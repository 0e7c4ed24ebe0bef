#include "local/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/uuid.h"

namespace refsyncd {

LocalService::LocalService(Surroundings surroundings, std::string org, size_t concurrency, size_t per_host)
    : around_(std::move(surroundings)), org_(std::move(org)), queue_(concurrency, per_host) {}

LocalService::~LocalService() { *alive_ = false; }

void LocalService::configure(std::vector<Repo> repos, size_t concurrency, size_t per_host) {
  repos_.clear();
  repos_.reserve(repos.size());
  for (auto& repo : repos) {
    auto name = repo.name;
    repos_.emplace(std::move(name), std::move(repo));
  }
  queue_.set_limits(concurrency, per_host);
  start_what_may();
}

void LocalService::adopt(std::vector<RepositoryRecord> repositories, std::vector<Sync> unfinished) {
  for (auto& repository : repositories) {
    if (repository.org == org_) repository_ids_.emplace(std::move(repository.name), std::move(repository.id));
  }
  for (auto& sync : unfinished) {
    if (sync.status == SyncStatus::in_progress) {
      sync.status = SyncStatus::queued;
      sync.started_at.reset();
      sync.attempt += 1;
      around_.recorder.record(sync);
    }
    around_.recorder.when_durable([this, sync] { around_.observer.sync_queued(sync); });
    const auto [at, added] = syncs_.emplace(sync.id, sync);
    if (added) put_in_queue(at->second);
  }
  start_what_may();
}

void LocalService::refuse(Answer answer, ErrorKind kind, std::string message) {
  around_.recorder.when_durable(
      [answer = std::move(answer),
       why = Failure{.kind = kind, .message = std::move(message), .retry_after = {}}] {
        answer(nullptr, &why);
      });
}

void LocalService::enqueue(const SyncRequest& request, Answer answer) {
  const auto repo = repos_.find(request.repo);
  if (repo == repos_.end()) {
    return refuse(std::move(answer), ErrorKind::not_found,
                  fmt::format("there is no repository '{}'", request.repo));
  }
  if (!repo->second.upstream) {
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
    if (sync->request.policy.empty()) sync->request.policy = request.policy;
  }
  around_.recorder.record(*sync);
  around_.recorder.when_durable([this, is_new, answer = std::move(answer), sync = *sync] {
    if (is_new) around_.observer.sync_queued(sync);
    answer(&sync, nullptr);
  });
  start_what_may();
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
  sync.repo_id = repository_id(request.repo);
  sync.request = request;
  sync.request.asked_before.reset();  // every sync of ours is in the store: none is lost
  sync.created_at = now;
  auto& added = syncs_.emplace(sync.id, sync).first->second;
  put_in_queue(added);
  return added;
}

void LocalService::put_in_queue(const Sync& sync) {
  const auto repo = repos_.find(sync.request.repo);
  const bool known = repo != repos_.end() && repo->second.upstream;
  waiting_by_repo_.emplace(sync.request.repo, sync.id);
  queue_.add({.id = sync.id,
              .repo = sync.request.repo,
              .host = known ? repo->second.upstream->host : "",
              .priority = sync.request.priority});
}

void LocalService::no_longer_waiting(const Sync& sync) {
  const auto [first, last] = waiting_by_repo_.equal_range(sync.request.repo);
  const auto at = std::find_if(first, last, [&](const auto& entry) { return entry.second == sync.id; });
  if (at != last) waiting_by_repo_.erase(at);
}

std::string LocalService::repository_id(const std::string& repo) {
  auto& id = repository_ids_[repo];
  if (id.empty()) {
    const auto now = around_.clock.now();
    id = new_uuid(now);
    around_.recorder.record(RepositoryRecord{.id = id, .org = org_, .name = repo, .created_at = now});
  }
  return id;
}

void LocalService::start_what_may() {
  while (!stopped_) {
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
  const auto repo = repos_.find(sync.request.repo);
  if (repo == repos_.end() || !repo->second.upstream || running.cancelled || interrupting_) {
    Failure why{.kind = ErrorKind::bad_config,
                .message = fmt::format("repository '{}' is no longer configured", sync.request.repo),
                .retry_after = {}};
    return ended(id, {.refs = nullptr, .failure = std::move(why)});
  }
  around_.in_background([work = around_.work, sync, repo = repo->second, stop = running.stop.get_token(),
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

void LocalService::interrupt() {
  stopped_ = true;
  interrupting_ = true;
  for (auto& [id, running] : running_) running.stop.request_stop();
}

}  // namespace refsyncd
