#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "local/queue.h"
#include "model/observer.h"
#include "model/store.h"
#include "model/sync_service.h"

namespace refsyncd {

/// How a sync ended: completed when there is no failure.
struct SyncEnd {
  std::shared_ptr<const RefResults> refs;
  std::optional<Failure> failure;
};

/// The embedded sync service: a queue, and workers that do the Git work in this process. Lives on the loop's
/// thread. Every step is durable before it is taken or told.
class LocalService final : public SyncService {
 public:
  using Progress = std::function<void(std::string_view)>;
  /// The Git work of one sync: blocks, never throws, obeys the stop token; called on a worker's thread.
  using Work = std::function<SyncEnd(const Sync&, const Repo&, std::stop_token, const Progress&)>;
  /// What the service needs from its surroundings.
  struct Surroundings {
    const Clock& clock;
    Store& store;
    Recorder& recorder;
    Observer& observer;
    Work work;
    std::function<void(std::function<void()>)> in_background;  ///< runs a function on a worker's thread
    std::function<void(std::function<void()>)> on_loop;        ///< hands a function to the loop's thread
  };

  LocalService(Surroundings surroundings, std::string org, size_t concurrency, size_t per_host);
  ~LocalService() override;

  void set_listener(SyncListener& listener) override { listener_ = &listener; }
  /// The repositories of the configuration. Queued syncs of repositories that went away fail when their turn
  /// comes.
  void configure(std::vector<Repo> repos, size_t concurrency, size_t per_host) override;
  /// Takes up what an earlier process left: queued syncs wait again, interrupted ones run again with attempt
  /// + 1.
  void adopt(std::vector<RepositoryRecord> repositories, std::vector<Sync> unfinished) override;

  void enqueue(const SyncRequest& request, Answer answer) override;
  bool follow(const std::string& sync_id) override;
  void cancel(const std::string& sync_id, const Failure& why) override;
  SteadyTime next_wake() const override { return SteadyTime::max(); }
  void tick() override {}

  /// From now on no queued sync starts.
  void stop_starting() override { stopped_ = true; }
  /// Stops running syncs; they stay in progress in the store, and the next process runs them again.
  void interrupt() override;
  size_t waiting() const override { return queue_.waiting(); }
  size_t running() const override { return queue_.running(); }
  std::string waiting_for(const std::string& sync_id) const override { return queue_.waiting_for(sync_id); }

 private:
  struct Running {
    std::stop_source stop;
    std::optional<Failure> cancelled;
  };

  void refuse(Answer answer, ErrorKind kind, std::string message);
  Sync* find_waiting(const SyncRequest& request);
  Sync& add(const SyncRequest& request);
  void put_in_queue(const Sync& sync);
  void no_longer_waiting(const Sync& sync);
  std::string repository_id(const std::string& repo);
  void start_what_may();
  void start(const std::string& id);
  void launch(const std::string& id);
  void ended(const std::string& id, SyncEnd end);
  void finish(Sync sync, SyncEnd end);

  Surroundings around_;
  std::string org_;
  Queue queue_;
  SyncListener* listener_ = nullptr;
  std::unordered_map<std::string, Repo> repos_;
  std::unordered_map<std::string, std::string> repository_ids_;
  std::unordered_map<std::string, Sync> syncs_;  // queued and in progress, by id
  std::unordered_multimap<std::string, std::string> waiting_by_repo_;
  std::unordered_map<std::string, Running> running_;
  std::shared_ptr<bool> alive_ =
      std::make_shared<bool>(true);  // false once we are gone; read on the loop only
  bool stopped_ = false;
  bool interrupting_ = false;
};

}  // namespace refsyncd
