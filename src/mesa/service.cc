#include "mesa/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/duration.h"
#include "mesa/composite.h"
#include "mesa/fan_out.h"

namespace refsyncd {
namespace {

constexpr size_t pages_looked_through = 10;
constexpr size_t events_remembered = 10'000;

/// A sync as the service shows it, with what only we know of it.
Sync with_request(Sync sync, const SyncRequest& request) {
  sync.request = request;
  sync.request.asked_before.reset();
  return sync;
}

/// The same sync before it started.
Sync as_queued(Sync sync) {
  sync.status = SyncStatus::queued;
  sync.refs.reset();
  sync.failure.reset();
  sync.started_at.reset();
  sync.finished_at.reset();
  return sync;
}

}  // namespace

MesaService::MesaService(Surroundings surroundings, Settings settings)
    : around_(std::move(surroundings)),
      api_({.clock = around_.clock,
            .send = around_.send,
            .credential = around_.credential,
            .on_loop = around_.on_loop},
           std::move(settings.url)),
      organisation_(api_, around_.clock, std::move(settings.org)),
      upstreams_(api_, around_.read_secret),
      poller_({.clock = around_.clock,
               .api = api_,
               .roll = around_.roll,
               .seen = [this](const Sync& sync) { observe(sync); },
               .gone = [this](const std::string& id, const Failure& why) { end(id, why); }}),
      manage_upstream_(settings.manage_upstream),
      events_(events_remembered) {}

void MesaService::configure(std::vector<Repo> repos, size_t, size_t) {
  repos_.clear();
  for (const auto& repo : repos) repos_.insert(repo.name);
  if (manage_upstream_) upstreams_.configure(repos);
}

void MesaService::adopt(std::vector<RepositoryRecord>, std::vector<Sync> unfinished) {
  const auto now = around_.clock.now();
  for (auto& sync : unfinished) {
    around_.recorder.when_durable([this, sync] {
      around_.observer.sync_queued(sync);
      if (sync.status == SyncStatus::in_progress) around_.observer.sync_started(sync);
    });
    const auto age = std::clamp(now - sync.created_at, milliseconds{}, sync.request.timeout);
    follow_part(std::move(sync), age);
  }
}

std::optional<Failure> MesaService::why_not(const SyncRequest& request) const {
  if (stopped_) return Failure{.kind = ErrorKind::transient, .message = "the agent is stopping"};
  if (!repos_.contains(request.repo)) {
    return Failure{.kind = ErrorKind::not_found,
                   .message = fmt::format("there is no repository '{}'", request.repo)};
  }
  if (!request.exclude.empty() || request.force || request.prune) {
    return Failure{.kind = ErrorKind::bad_config,
                   .message = "the hosted service knows no exclude, force or prune"};
  }
  return std::nullopt;
}

void MesaService::refuse(Answer answer, Failure why) {
  around_.recorder.when_durable(
      [answer = std::move(answer), why = std::move(why)] { answer(nullptr, &why); });
}

/// What was recorded so far (that this is going to be asked for) must be durable before it leaves the house.
void MesaService::enqueue(const SyncRequest& request, Answer answer) {
  if (auto why = why_not(request)) return refuse(std::move(answer), std::move(*why));
  ++unanswered_;
  auto counted = [this, answer = std::move(answer)](const Sync* sync, const Failure* refused) {
    if (interrupted_) return;
    --unanswered_;
    answer(sync, refused);
  };
  around_.recorder.when_durable([this, request, answer = std::move(counted)]() mutable {
    if (!interrupted_) prepare(request, std::move(answer));
  });
}

void MesaService::prepare(const SyncRequest& request, Answer answer) {
  organisation_.when_known([this, request, answer = std::move(answer)](const Failure* failure) {
    if (interrupted_) return;
    if (failure != nullptr) return refuse(answer, *failure);
    upstreams_.settle(request.repo, [this, request, answer](const Failure* unsettled) {
      if (interrupted_) return;
      unsettled == nullptr ? ask_for_parts(request, answer) : refuse(answer, *unsettled);
    });
  });
}

void MesaService::ask_for_parts(const SyncRequest& request, Answer answer) {
  const auto globs = fan_out(request.globs);
  const auto group = std::make_shared<Group>();
  group->parts.resize(globs.size());
  group->awaited = globs.size();
  group->answer = std::move(answer);
  for (size_t i = 0; i < globs.size(); ++i) {
    auto part = request;
    part.globs = globs[i];
    obtain(part, {.group = group, .index = i});
  }
}

void MesaService::obtain(const SyncRequest& part, Place place) {
  const auto key = work_key(part);
  if (const auto waiting = queued_.find(key); waiting != queued_.end()) {
    auto& shared = in_flight_.at(waiting->second);
    share(shared, part);
    return settle(place, shared);
  }
  auto& places = asked_for_[key];
  places.push_back(std::move(place));
  if (places.size() > 1) return;
  const auto lost = lost_.sent(key);
  if (!lost && !part.asked_before) return post(part);
  const auto sent = std::min(lost.value_or(WallTime::max()), part.asked_before.value_or(WallTime::max()));
  lost_.remember(key, sent);
  look_for(part, sent, std::make_shared<PageGuard>(pages_looked_through), std::nullopt);
}

void MesaService::look_for(const SyncRequest& part, WallTime sent, const std::shared_ptr<PageGuard>& guard,
                           const std::optional<std::string>& cursor) {
  api_.syncs(part.repo, cursor, [this, part, sent, guard](const auto& result) {
    if (interrupted_) return;
    if (const auto* trouble = std::get_if<ApiTrouble>(&result)) {
      return not_accepted(work_key(part), trouble->failure);
    }
    look_at(part, sent, guard, std::get<SyncPage>(result));
  });
}

void MesaService::look_at(const SyncRequest& part, WallTime sent, const std::shared_ptr<PageGuard>& guard,
                          const SyncPage& page) {
  const Sync* found = nullptr;
  try {
    found = find_lost(page, part, sent, [this](const auto& id) { return known(id); });
  } catch (const Error& unreadable) {
    return not_accepted(work_key(part), unreadable.failure());
  }
  if (found != nullptr) return accepted(part, *found);
  try {
    if (may_be_further(page, sent) && guard->follow(page.next_cursor)) {
      return look_for(part, sent, guard, page.next_cursor);
    }
  } catch (const Error&) {
    // A list that leads back to itself has shown all it will show.
  }
  post(part);
}

void MesaService::post(const SyncRequest& part) {
  api_.enqueue(part, [this, part, sent = around_.clock.now()](const auto& result) {
    if (interrupted_) return;
    const auto* trouble = std::get_if<ApiTrouble>(&result);
    if (trouble == nullptr) return accepted(part, std::get<Sync>(result));
    const auto key = work_key(part);
    auto failure = trouble->failure;
    if (trouble->maybe_acted) {
      lost_.remember(key, sent);
      failure.kind = ErrorKind::transient;
    }
    not_accepted(key, failure);
  });
}

void MesaService::accepted(const SyncRequest& part, const Sync& sync) {
  const auto key = work_key(part);
  lost_.forget(key);
  const auto places = std::exchange(asked_for_[key], {});
  asked_for_.erase(key);
  if (const auto existing = in_flight_.find(sync.id); existing != in_flight_.end()) {
    share(existing->second, part);  // the service gave an identical request the sync it had
    for (const auto& place : places) settle(place, existing->second);
  } else {
    const auto queued = as_queued(with_request(sync, part));
    around_.recorder.record(queued);
    around_.recorder.when_durable([this, queued] { around_.observer.sync_queued(queued); });
    auto& added = follow_part(queued, milliseconds{});
    for (const auto& place : places) settle(place, added);
  }
  observe(sync);
}

void MesaService::not_accepted(const std::string& key, const Failure& why) {
  const auto places = std::exchange(asked_for_[key], {});
  asked_for_.erase(key);
  for (const auto& place : places) {
    auto& group = *place.group;
    if (!group.refused) group.refused = why;
    --group.awaited;
    answer_when_complete(group);
  }
}

bool MesaService::known(const std::string& id) const {
  return in_flight_.contains(id) || around_.store.sync(id).has_value();
}

MesaService::InFlight& MesaService::follow_part(Sync sync, milliseconds age) {
  const auto id = sync.id;
  if (sync.status == SyncStatus::queued) queued_.emplace(work_key(sync.request), id);
  auto& part = in_flight_[id];
  part.deadline = around_.clock.steady() + sync.request.timeout - age;
  deadlines_.emplace(part.deadline, id);
  poller_.add(id, sync.request.repo, age);
  part.sync = std::move(sync);
  return part;
}

/// One more asks for a sync that is there already.
void MesaService::share(InFlight& part, const SyncRequest& request) {
  auto& ours = part.sync.request;
  ours.priority = std::min(ours.priority, request.priority);
  if (ours.policy.empty()) ours.policy = request.policy;
  around_.recorder.record(part.sync);
}

void MesaService::settle(const Place& place, InFlight& part) {
  place.group->parts[place.index] = part.sync;
  part.groups.push_back(place.group);
  --place.group->awaited;
  answer_when_complete(*place.group);
}

/// Parts that were accepted beside one that was not go on by themselves; when the same is asked for again
/// they are shared as long as they have not started.
void MesaService::answer_when_complete(Group& group) {
  if (group.awaited > 0) return;
  if (group.refused) return refuse(std::exchange(group.answer, {}), *group.refused);
  const auto merged = merge_parts(group.parts);
  group.told = merged.status;
  around_.recorder.when_durable([this, merged, answer = std::exchange(group.answer, {})] {
    answer(&merged, nullptr);
    if (merged.status != SyncStatus::queued) listener_->sync_changed(merged);
  });
}

bool MesaService::follow(const std::string& sync_id) {
  const auto group = std::make_shared<Group>();
  std::vector<InFlight*> running;
  for (const auto& id : split_id(sync_id)) {
    if (const auto part = in_flight_.find(id); part != in_flight_.end()) {
      running.push_back(&part->second);
      group->parts.push_back(part->second.sync);
    } else {
      auto ended = around_.store.sync(id);
      if (!ended || !ended->terminal()) return false;
      group->parts.push_back(std::move(*ended));
    }
  }
  if (group->parts.empty()) return false;
  for (auto* part : running) part->groups.push_back(group);
  const auto merged = merge_parts(group->parts);
  group->told = merged.status;
  if (merged.terminal()) {
    around_.recorder.when_durable([this, merged] { listener_->sync_changed(merged); });
  }
  return true;
}

void MesaService::cancel(const std::string& sync_id, const Failure& why) {
  for (const auto& id : split_id(sync_id)) end(id, why);
}

void MesaService::interrupt() {
  stopped_ = true;
  interrupted_ = true;
  unanswered_ = 0;
}

std::string MesaService::waiting_for(const std::string& sync_id) const {
  for (const auto& id : split_id(sync_id)) {
    const auto part = in_flight_.find(id);
    if (part == in_flight_.end() || part->second.sync.status != SyncStatus::queued) return "";
  }
  return sync_id.empty() ? "" : "its turn at the service";
}

SteadyTime MesaService::next_wake() const {
  if (interrupted_ || in_flight_.empty()) return SteadyTime::max();
  const auto ask = organisation_.known() ? poller_.next_wake() : organisation_.next_try();
  return std::min(ask, deadlines_.begin()->first);
}

void MesaService::tick() {
  if (interrupted_ || in_flight_.empty()) return;
  const auto now = around_.clock.steady();
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const auto id = deadlines_.begin()->second;
    const auto limit = in_flight_.at(id).sync.request.timeout;
    end(id,
        {.kind = ErrorKind::transient,
         .message = fmt::format("the service has not finished the sync within {}", format_duration(limit))});
  }
  if (organisation_.known()) {
    poller_.tick();
  } else if (!in_flight_.empty() && now >= organisation_.next_try()) {
    organisation_.when_known([](const Failure*) {});
  }
}

void MesaService::told(const WebhookEvent& event) {
  if (interrupted_ || !events_.is_new(event.id)) return;
  if (event.sync) observe(*event.sync);
}

/// Takes up what the service says of a sync in flight; news older than what we have is left alone.
void MesaService::observe(const Sync& seen) {
  const auto found = in_flight_.find(seen.id);
  if (found == in_flight_.end() || interrupted_) return;
  auto& part = found->second;
  auto& sync = part.sync;
  const bool news = seen.status > sync.status && seen.request.direction == sync.request.direction;
  if (!news) return;
  std::optional<Sync> started;
  sync.attempt = seen.attempt;
  if (sync.status == SyncStatus::queued) {
    queued_.erase(work_key(sync.request));
    if (!seen.terminal() || seen.started_at) {  // else it ended without having started
      sync.status = SyncStatus::in_progress;
      sync.started_at = seen.started_at.value_or(around_.clock.now());
      started = sync;
    }
  }
  sync.status = seen.status;
  sync.refs = seen.refs;
  sync.failure = seen.failure;
  if (sync.terminal()) sync.finished_at = seen.finished_at.value_or(around_.clock.now());
  around_.recorder.record(sync);
  tell(part, started);
  if (sync.terminal()) forget(seen.id);
}

void MesaService::end(const std::string& id, const Failure& why) {
  const auto found = in_flight_.find(id);
  if (found == in_flight_.end()) return;
  auto failed = found->second.sync;
  failed.status = SyncStatus::failed;
  failed.failure = why;
  failed.finished_at = around_.clock.now();
  observe(failed);
}

void MesaService::tell(const InFlight& part, const std::optional<Sync>& started) {
  around_.recorder.when_durable([this, started, sync = part.sync] {
    if (started) around_.observer.sync_started(*started);
    if (sync.terminal()) around_.observer.sync_finished(sync);
  });
  std::unordered_set<std::string> told;  // requests that share all their parts are told as one sync
  for (const auto& group : part.groups) {
    auto news = take_up(*group, part.sync);
    if (!news || !told.insert(news->id).second) continue;
    around_.recorder.when_durable([this, merged = std::move(*news)] { listener_->sync_changed(merged); });
  }
}

/// The group as one sync when its status is news to who asked for it.
std::optional<Sync> MesaService::take_up(Group& group, const Sync& part) {
  for (auto& known_part : group.parts) {
    if (known_part.id == part.id) known_part = part;
  }
  if (group.awaited > 0 || group.refused) return std::nullopt;
  auto merged = merge_parts(group.parts);
  if (std::exchange(group.told, merged.status) == merged.status) return std::nullopt;
  return merged;
}

void MesaService::forget(const std::string& id) {
  const auto found = in_flight_.find(id);
  deadlines_.erase({found->second.deadline, id});
  poller_.remove(id);
  in_flight_.erase(found);
}

}  // namespace refsyncd
