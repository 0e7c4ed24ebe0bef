#include "local/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/uuid.h"

namespace refsyncd {
namespace {

/// A sync that was interrupted in so many attempts may be what ends the agent: it is not begun again.
constexpr int most_interrupted_attempts = 5;
/// Each has a thread and an upstream that is silent.
constexpr size_t most_lent = 256;
/// What an upstream listed longer ago is not worth acting on.
constexpr auto listing_is_fresh = std::chrono::seconds(30);

bool brought_something_in(const SyncRequest& request, const SyncEnd& end) {
  return request.direction == Direction::pull && end.refs && count(*end.refs).updated > 0;
}

}  // namespace

LocalService::LocalService(Surroundings surroundings, std::string org, size_t concurrency, size_t per_host)
    : around_(std::move(surroundings)),
      queue_(concurrency, per_host),
      probing_(around_.probe),
      catalog_(around_.recorder, around_.clock, std::move(org), around_.data_dir),
      maintenance_({.clock = around_.clock,
                    .observer = around_.observer,
                    .queue = queue_,
                    .catalog = catalog_,
                    .in_use = [this](const std::string& repo) { return busy_with(repo); },
                    .released = [this] { start_what_may(); }},
                   around_.maintain) {}

LocalService::~LocalService() { *alive_ = false; }

void LocalService::configure(std::vector<Repo> repos, size_t concurrency, size_t per_host) {
  std::vector<std::string> names;
  names.reserve(repos.size());
  for (const auto& repo : repos) names.push_back(repo.name);
  catalog_.configure(std::move(repos));
  for (const auto& name : names) maintenance_.know(name);
  queue_.set_limits(concurrency, per_host);
  start_what_may();
}

void LocalService::adopt(std::vector<RepositoryRecord> repositories, std::vector<Sync> unfinished) {
  const auto unknown = catalog_.unknown_files(repositories);
  if (!unknown.empty()) around_.observer.unknown_files(unknown);
  catalog_.adopt(repositories);
  for (const auto& record : repositories) {
    record.state == RepositoryState::deleted ? clear_away(record) : maintenance_.know(record.name);
  }
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
  if (!std::exchange(adopting_, false)) return maintenance_.tick();
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
  const bool may_ask_first = request.priority == Priority::scheduled && !stopped_ && !adopting_;
  if (may_ask_first && repo != nullptr && probing_.possible(*repo) && !busy_with(request.repo)) {
    return ask_first(request, *repo, std::move(answer));
  }
  take(request, nullptr, std::move(answer));
}

/// Two names may be one repository: while a sync that began before a reload is still running.
std::string LocalService::folder_of(const std::string& repo) const {
  const auto* known = catalog_.find(repo);
  return known != nullptr ? known->path : repo;
}

/// A repository that waits or is worked on: what is asked of it now had better wait for that.
bool LocalService::busy_with(const std::string& repo) const {
  return waiting_by_repo_.contains(repo) || queue_.is_busy(folder_of(repo));
}

void LocalService::ask_first(const SyncRequest& request, const Repo& repo, Answer answer) {
  probing_.ask(request, repo,
               [this, request, upstream = repo.upstream, asked_at = around_.clock.now(),
                answer = std::move(answer)](Probed probed) {
                 const auto* now = catalog_.find(request.repo);
                 // What another upstream said, before a reload, is worth nothing.
                 if (now == nullptr || now->upstream != upstream) return take(request, nullptr, answer);
                 const bool work = !probed.unchanged && !probed.failure;
                 if (work) return take(request, std::move(probed.listed), answer);
                 born_ended(request, asked_at, std::move(probed), answer);
               });
}

/// Records a sync that was over before anybody was told of it.
void LocalService::born_ended(const SyncRequest& request, WallTime asked_at, Probed probed,
                              const Answer& answer) {
  auto sync = new_sync(request, asked_at);
  sync.started_at = asked_at;
  finish(std::move(sync), {.refs = std::move(probed.unchanged), .failure = std::move(probed.failure)},
         [answer](const Sync& ended) { answer(&ended, nullptr); });
}

/// Puts the request into the queue, durably, or joins it with an equal one that waits there.
void LocalService::take(const SyncRequest& request, Listed listed, Answer answer) {
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
  listed_.erase(sync->id);  // who joins wants what is there now
  if (listed) listed_.emplace(sync->id, Known{.listed = std::move(listed), .at = around_.clock.steady()});
  around_.recorder.record(*sync);
  around_.recorder.when_durable([this, is_new, answer = std::move(answer), sync = *sync] {
    if (is_new) around_.observer.sync_queued(sync);
    answer(&sync, nullptr);
  });
  start_what_may();
}

bool LocalService::raise(const std::string& sync_id, Priority priority) {
  const auto found = syncs_.find(sync_id);
  if (found == syncs_.end() || found->second.status != SyncStatus::queued) return false;
  listed_.erase(sync_id);
  auto& sync = found->second;
  if (sync.request.priority <= priority) return true;
  queue_.raise(sync_id, priority);
  sync.request.priority = priority;
  around_.recorder.record(sync);
  return true;
}

Sync* LocalService::find_waiting(const SyncRequest& request) {
  const auto [first, last] = waiting_by_repo_.equal_range(request.repo);
  for (auto it = first; it != last; ++it) {
    auto& sync = syncs_.at(it->second);
    if (sync.request.same_work(request)) return &sync;
  }
  return nullptr;
}

Sync LocalService::new_sync(const SyncRequest& request, WallTime now) {
  Sync sync;
  sync.id = new_uuid(now);
  sync.repo_id = catalog_.id_of(request.repo);
  sync.request = request;
  sync.request.asked_before.reset();  // every sync of ours is in the store: none is lost
  sync.created_at = now;
  return sync;
}

Sync& LocalService::add(const SyncRequest& request) {
  auto sync = new_sync(request, around_.clock.now());
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
              .folder = folder_of(sync.request.repo),
              .host = known ? repo->upstream->host : "",
              .priority = sync.request.priority});
  maintenance_.give_way(sync.request.repo);
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
  running_.emplace(id, Running{.deadline = around_.clock.steady() + sync.request.timeout});
  around_.recorder.record(sync);
  around_.recorder.when_durable([this, id] { launch(id); });
}

void LocalService::launch(const std::string& id) {
  const auto& sync = syncs_.at(id);
  around_.observer.sync_started(sync);
  listener_->sync_changed(sync);
  const auto* repo = catalog_.find(sync.request.repo);
  const auto listed = take_listed(id);
  const bool given_up = running_.at(id).cancelled || interrupting_;
  if (listed || given_up || repo == nullptr || !probing_.possible(*repo)) return work(id, listed);
  running_.at(id).probing =
      probing_.ask(sync.request, *repo, [this, id](Probed answer) { probed(id, std::move(answer)); });
}

/// What was listed for a sync before it was queued, if that is still worth anything.
LocalService::Listed LocalService::take_listed(const std::string& id) {
  const auto known = listed_.extract(id);
  const bool fresh = known && around_.clock.steady() - known.mapped().at < listing_is_fresh;
  return fresh ? known.mapped().listed : nullptr;
}

void LocalService::probed(const std::string& id, Probed probed) {
  running_.at(id).probing.reset();
  if (!probed.unchanged && !probed.failure) return work(id, std::move(probed.listed));
  ended(id, {.refs = std::move(probed.unchanged), .failure = std::move(probed.failure)});
}

void LocalService::work(const std::string& id, Listed listed) {
  const auto& sync = syncs_.at(id);
  const auto& running = running_.at(id);
  const auto* repo = catalog_.find(sync.request.repo);
  if (repo == nullptr || !repo->upstream || running.cancelled || interrupting_) {
    Failure why{.kind = ErrorKind::bad_config,
                .message = fmt::format("repository '{}' is no longer configured", sync.request.repo),
                .retry_after = {}};
    return ended(id, {.refs = nullptr, .failure = std::move(why)});
  }
  Assignment todo{.sync = sync,
                  .repo = *repo,
                  .listed = std::move(listed),
                  .deadline = running.deadline,
                  .kept_waiting = [this, alive = alive_, on_loop = around_.on_loop, id](bool waits) {
                    on_loop([this, alive, id, waits] {
                      if (*alive) kept_waiting(id, waits);
                    });
                  }};
  around_.in_background([work = around_.work, stop = running.stop.get_token(), todo = std::move(todo),
                         on_loop = around_.on_loop, alive = alive_, this] {
    const auto progress = [this, alive, on_loop, sync = todo.sync](std::string_view line) {
      on_loop([this, alive, sync, text = std::string(line)] {
        if (*alive) around_.observer.sync_progress(sync, text);
      });
    };
    auto end = work(todo, stop, progress);
    on_loop([this, alive, id = todo.sync.id, end = std::move(end)]() mutable {
      if (*alive) ended(id, std::move(end));
    });
  });
}

void LocalService::kept_waiting(const std::string& id, bool waits) {
  if (!running_.contains(id)) return;
  if (!waits) return queue_.reclaim(id);
  const bool may_lend = around_.enough_workers && queue_.lent() < most_lent;
  if (!may_lend || !around_.enough_workers(queue_.running() + 1)) return;
  queue_.lend(id);
  start_what_may();
}

void LocalService::ended(const std::string& id, SyncEnd end) {
  queue_.finish(id);
  auto sync = std::move(syncs_.at(id));
  syncs_.erase(id);
  auto running = std::move(running_.at(id));
  running_.erase(id);
  if (brought_something_in(sync.request, end)) maintenance_.changed(sync.request.repo);
  const bool leave_for_next_process = interrupting_ && end.failure && !running.cancelled;
  if (!leave_for_next_process) {
    if (running.cancelled && end.failure) end.failure = running.cancelled;
    finish(std::move(sync), std::move(end));
  }
  if (running.clear_at_end) clear_away(*running.clear_at_end);
  start_what_may();
}

void LocalService::finish(Sync sync, SyncEnd end, const std::function<void(const Sync&)>& tell_first) {
  sync.status = end.failure ? SyncStatus::failed : SyncStatus::completed;
  sync.refs = std::move(end.refs);
  sync.failure = std::move(end.failure);
  sync.finished_at = around_.clock.now();
  around_.recorder.record(sync);
  auto tell = [this, tell_first, sync = std::move(sync)] {
    if (tell_first) tell_first(sync);
    around_.observer.sync_finished(sync);
    listener_->sync_changed(sync);
  };
  // Nobody waits for the end of what nobody knows of yet.
  if (tell_first) return around_.recorder.when_durable_at_leisure(std::move(tell));
  around_.recorder.when_durable(std::move(tell));
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
    end_probing(sync_id);
  } else if (queue_.remove(sync_id)) {
    auto sync = std::move(syncs_.at(sync_id));
    syncs_.erase(sync_id);
    listed_.erase(sync_id);
    no_longer_waiting(sync);
    finish(std::move(sync), {.refs = nullptr, .failure = why});
  }
}

bool LocalService::busy(const std::string& repository_id) const {
  return std::any_of(syncs_.begin(), syncs_.end(),
                     [&](const auto& entry) { return entry.second.repo_id == repository_id; });
}

void LocalService::remove_repository(const std::string& name) {
  const auto removed = catalog_.remove(name).record;
  std::vector<std::string> doomed;
  for (const auto& [id, sync] : syncs_) {
    if (sync.repo_id == removed.id) doomed.push_back(id);
  }
  for (const auto& id : doomed) {
    cancel(id, {.kind = ErrorKind::not_found, .message = "the repository was deleted", .retry_after = {}});
  }
  around_.recorder.when_durable([this, name, doomed = std::move(doomed), removed] {
    for (const auto& id : doomed) {
      const auto running = running_.find(id);
      if (running == running_.end()) continue;
      running->second.clear_at_end = removed;
      return;
    }
    maintenance_.after(name, [this, removed] { clear_away(removed); });
  });
}

/// What is not removed, because the process ends before or the disk refuses, is removed by the next.
void LocalService::clear_away(const RepositoryRecord& deleted) {
  around_.in_background([remove = catalog_.removal_of(deleted), gone = deleted, on_loop = around_.on_loop,
                         alive = alive_, this]() mutable {
    if (!remove()) return;
    gone.state = RepositoryState::gone;
    on_loop([this, alive, gone] {
      if (*alive) around_.recorder.record(gone);
    });
  });
}

void LocalService::stop_starting() {
  stopped_ = true;
  maintenance_.stop();
}

void LocalService::interrupt() {
  stop_starting();
  interrupting_ = true;
  std::vector<std::string> ids;
  for (auto& [id, running] : running_) {
    running.stop.request_stop();
    ids.push_back(id);
  }
  for (const auto& id : ids) end_probing(id);
}

/// Nobody waits for an upstream's answer once the sync is given up.
void LocalService::end_probing(const std::string& id) {
  const auto& probing = running_.at(id).probing;
  if (!probing) return;
  probing_.forget(*probing);
  ended(id, {.refs = nullptr,
             .failure = Failure{.kind = ErrorKind::transient, .message = "stopped", .retry_after = {}}});
}

}  // namespace refsyncd
