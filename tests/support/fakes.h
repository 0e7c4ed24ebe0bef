#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "model/observer.h"
#include "model/store.h"
#include "model/sync_service.h"

namespace refsyncd {

/// Keeps what is recorded in memory, as the store would; effects wait until settle().
class MemoryRecorder final : public Recorder {
 public:
  std::map<std::string, PolicyState> policies;
  std::map<std::string, Sync> syncs;
  std::map<std::string, RepositoryRecord> repositories;  // by name, those that are deleted by id
  std::vector<WebhookChange> webhooks;

  void record(const RepositoryRecord& repository) override {
    ++records_;
    std::erase_if(repositories, [&](const auto& entry) { return entry.second.id == repository.id; });
    if (repository.state == RepositoryState::gone) return;
    const bool deleted = repository.state == RepositoryState::deleted;
    repositories[deleted ? repository.id : repository.name] = repository;
  }
  void record(const Sync& sync) override {
    ++records_;
    syncs[sync.id] = sync;
  }
  void record(const PolicyState& state) override {
    ++records_;
    policies[state.policy] = state;
  }
  void record(const WebhookChange& change) override {
    ++records_;
    webhooks.push_back(change);
  }
  uint64_t records() const override { return records_; }
  void when_durable(std::function<void()> effect) override { effects_.push_back(std::move(effect)); }

  /// Runs effects, and those they cause, until none is left.
  void settle() {
    while (!effects_.empty()) {
      auto effect = std::move(effects_.front());
      effects_.pop_front();
      effect();
    }
  }
  /// What a crash does: effects that were not reached never happen.
  void crash() { effects_.clear(); }

 private:
  uint64_t records_ = 0;
  std::deque<std::function<void()>> effects_;
};

/// The Store view of a MemoryRecorder, for parts that read.
class MemoryStore final : public Store {
 public:
  explicit MemoryStore(MemoryRecorder& recorder) : recorder_(recorder) {}
  void write(const Changes& changes) override {
    for (const auto& sync : changes.syncs) recorder_.record(sync);
    for (const auto& policy : changes.policies) recorder_.record(policy);
    for (const auto& change : changes.webhooks) recorder_.record(change);
  }
  std::vector<RepositoryRecord> repositories() override { return values(recorder_.repositories); }
  std::vector<PolicyState> policy_states() override { return values(recorder_.policies); }
  void forget_policies(const std::vector<std::string>& names) override {
    for (const auto& name : names) recorder_.policies.erase(name);
  }
  std::vector<Sync> unfinished_syncs() override {
    std::vector<Sync> found;
    for (const auto& [id, sync] : recorder_.syncs) {
      if (!sync.terminal()) found.push_back(sync);
    }
    return found;
  }
  bool unreadable = false;  // reading a sync fails
  std::optional<Sync> sync(const std::string& id) override {
    if (unreadable) throw Error(ErrorKind::transient, "the disk fails");
    const auto found = recorder_.syncs.find(id);
    return found == recorder_.syncs.end() ? std::nullopt : std::optional(found->second);
  }
  std::vector<Sync> syncs(const SyncQuery&) override { return values(recorder_.syncs); }
  std::vector<Sync> latest_syncs(const std::vector<std::string>&) override { return {}; }
  size_t purge(WallTime, size_t) override { return 0; }

 private:
  template <class T>
  static std::vector<T> values(const std::map<std::string, T>& by_key) {
    std::vector<T> all;
    for (const auto& [key, value] : by_key) all.push_back(value);
    return all;
  }
  MemoryRecorder& recorder_;
};

/// Writes down what it was told, one line an event.
class RecordingObserver final : public Observer {
 public:
  std::vector<std::string> events;
  std::vector<PolicyState> finished;
  std::map<std::string, WallTime> next_due;
  std::vector<PolicyState> restored;

  void sync_queued(const Sync& sync) override { events.push_back("queued " + sync.request.repo); }
  void sync_started(const Sync& sync) override { events.push_back("started " + sync.request.repo); }
  void sync_finished(const Sync& sync) override {
    events.push_back(std::string(to_string(sync.status)) + " " + sync.request.repo);
  }
  void attempt_failed(const Policy& policy, const Failure& why,
                      std::optional<milliseconds> retry_in) override {
    events.push_back("attempt of " + policy.name + " failed: " + std::string(to_string(why.kind)) +
                     (retry_in ? ", again" : ", last"));
  }
  void run_finished(const Policy&, const PolicyState&, const PolicyState& now) override {
    finished.push_back(now);
  }
  void policy_restored(const Policy&, const PolicyState& state) override { restored.push_back(state); }
  void run_scheduled(const Policy& policy, WallTime due) override { next_due[policy.name] = due; }
  void unknown_files(std::span<const std::filesystem::path> files) override {
    for (const auto& file : files) events.push_back("does not know " + file.filename().string());
  }
};

/// A service that takes every request and ends a sync when the test says so.
class FakeService final : public SyncService {
 public:
  std::vector<SyncRequest> requests;
  std::vector<std::pair<std::string, Failure>> cancelled;
  std::vector<std::pair<std::string, Priority>> raised;
  std::optional<Failure> refuse_with;
  bool knows_syncs = true;
  std::optional<Failure> cannot_follow;
  bool lost_leave_nothing = false;
  bool still_queued = false;

  void set_listener(SyncListener& listener) override { listener_ = &listener; }
  void configure(std::vector<Repo>, size_t, size_t) override {}
  void adopt(std::vector<RepositoryRecord>, std::vector<Sync>) override {}
  void enqueue(const SyncRequest& request, Answer answer) override {
    requests.push_back(request);
    answers_.push_back(std::move(answer));
  }
  /// Answers every open request.
  void accept() {
    auto answers = std::exchange(answers_, {});
    for (auto& answer : answers) {
      Sync sync;
      sync.id = "sync-" + std::to_string(++accepted_);
      refuse_with ? answer(nullptr, &*refuse_with) : answer(&sync, nullptr);
    }
  }
  void end(const std::string& id, std::optional<Failure> failure = std::nullopt,
           std::optional<WallTime> at = std::nullopt) {
    Sync sync;
    sync.id = id;
    sync.finished_at = at;
    sync.status = failure ? SyncStatus::failed : SyncStatus::completed;
    sync.failure = std::move(failure);
    listener_->sync_changed(sync);
  }
  bool lost_requests_leave_nothing() const override { return lost_leave_nothing; }
  bool raise(const std::string& id, Priority priority) override {
    raised.emplace_back(id, priority);
    return still_queued;
  }
  bool follow(const std::string&) override {
    if (cannot_follow) throw Error(*cannot_follow);
    return knows_syncs;
  }
  void cancel(const std::string& id, const Failure& why) override { cancelled.emplace_back(id, why); }
  void stop_starting() override {}
  void interrupt() override {}
  size_t waiting() const override { return 0; }
  size_t running() const override { return 0; }
  std::string waiting_for(const std::string&) const override { return ""; }
  SteadyTime next_wake() const override { return SteadyTime::max(); }
  void tick() override {}

 private:
  SyncListener* listener_ = nullptr;
  std::vector<Answer> answers_;
  int accepted_ = 0;
};

}  // namespace refsyncd
