#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/worker_pool.h"
#include "local/catalog.h"
#include "local/maintenance.h"
#include "local/probing.h"
#include "local/queue.h"
#include "model/observer.h"
#include "model/store.h"
#include "model/sync_service.h"

namespace refsyncd {

/// How a sync ended: completed when there is no failure.
struct SyncEnd {
  std::shared_ptr<const RefResults> refs = nullptr;
  std::optional<Failure> failure = {};
};

/// What a worker is to do.
struct Assignment {
  Sync sync;
  Repo repo;
  std::shared_ptr<const Advertisement> listed;  ///< what the upstream listed just now; nullptr: ask it
  SteadyTime deadline = SteadyTime::max();      ///< when the sync's time is over
  std::function<void(bool)> kept_waiting = {};  ///< as in Operation
};

/// The embedded sync service: a queue, and workers that do the Git work in this process. Lives on the loop's
/// thread. Every step is durable before it is taken or told.
///
/// Upstreams that can be probed are asked first, and only a sync that has something to do occupies a worker.
/// A scheduled request is even asked about before there is a sync: nobody was promised anything yet, so when
/// nothing is to be done, or the upstream cannot be asked, the sync is recorded once, at its end. A crash
/// before that leaves the run missed, as if the agent had been away.
///
/// While an upstream keeps a sync waiting, another one may have its place: hosts that hang cost others
/// nothing.
class LocalService final : public SyncService {
 public:
  using Progress = std::function<void(std::string_view)>;
  /// The Git work of one sync: blocks, never throws, obeys the stop token; called on a worker's thread.
  using Work = std::function<SyncEnd(const Assignment&, std::stop_token, const Progress&)>;
  /// What the service needs from its surroundings.
  struct Surroundings {
    const Clock& clock;
    Store& store;
    Recorder& recorder;
    Observer& observer;
    Work work;
    Executor in_background;          ///< runs a function on a worker's thread
    Executor on_loop;                ///< hands a function to the loop's thread
    std::filesystem::path data_dir;  ///< where repositories of the API lie
    Probe probe = {};                ///< may be empty: everything is work then
    Maintain maintain = {};          ///< may be empty: nothing is maintained then
    /// Sees to it that so many functions can run in the background at once; false when they cannot. May be
    /// empty: a sync that its upstream keeps waiting keeps its slot then.
    std::function<bool(size_t)> enough_workers = {};
  };

  LocalService(Surroundings surroundings, std::string org, size_t concurrency, size_t per_host);
  ~LocalService() override;

  void set_listener(SyncListener& listener) override { listener_ = &listener; }
  /// The repositories of the configuration. Queued syncs of repositories that went away fail when their turn
  /// comes.
  void configure(std::vector<Repo> repos, size_t concurrency, size_t per_host) override;
  /// Whether repositories of ours are maintained; not before this is called.
  void set_maintenance(bool enabled) { maintenance_.set_enabled(enabled); }
  /// Takes up what an earlier process left: queued syncs wait again, interrupted ones run again with attempt
  /// + 1, but for those that were interrupted again and again: they fail. All of it at the first tick().
  /// What is left of deleted repositories is removed; the observer hears of files that no record names.
  void adopt(std::vector<RepositoryRecord> repositories, std::vector<Sync> unfinished) override;

  void enqueue(const SyncRequest& request, Answer answer) override;
  bool raise(const std::string& sync_id, Priority priority) override;
  bool follow(const std::string& sync_id) override;
  void cancel(const std::string& sync_id, const Failure& why) override;
  SteadyTime next_wake() const override { return adopting_ ? SteadyTime::min() : maintenance_.next_wake(); }
  void tick() override;

  /// From now on no queued sync starts, and what is maintained is left as it is.
  void stop_starting() override;
  /// Stops running syncs; they stay in progress in the store, and the next process runs them again.
  void interrupt() override;
  bool lost_requests_leave_nothing() const override { return true; }
  size_t waiting() const override { return queue_.waiting(); }
  size_t running() const override { return queue_.running(); }
  std::string waiting_for(const std::string& sync_id) const override { return queue_.waiting_for(sync_id); }

  /// All repositories. remove() is for us to call: see remove_repository().
  Catalog& catalog() { return catalog_; }
  /// True while a sync of the repository waits or runs.
  bool busy(const std::string& repository_id) const;
  /// Takes a repository of the API away: its syncs fail, and once that is durable and its last sync has
  /// ended, its folder and its credential are removed. Throws as Catalog::remove().
  void remove_repository(const std::string& name);

 private:
  struct Running {
    std::stop_source stop;
    std::optional<Failure> cancelled;
    std::optional<RepositoryRecord> clear_at_end;  ///< of the repository that was deleted meanwhile
    std::optional<Probing::Ticket>
        probing;  ///< while the upstream is asked, before any worker is busy with it
    SteadyTime deadline;
  };
  using Listed = std::shared_ptr<const Advertisement>;
  struct Known {
    Listed listed;
    SteadyTime at;
  };

  void ask_first(const SyncRequest& request, const Repo& repo, Answer answer);
  void born_ended(const SyncRequest& request, WallTime asked_at, Probed probed, const Answer& answer);
  void take(const SyncRequest& request, Listed listed, Answer answer);
  bool busy_with(const std::string& repo) const;
  std::string folder_of(const std::string& repo) const;
  void refuse(Answer answer, ErrorKind kind, std::string message);
  void give_up(const std::string& id);
  Sync* find_waiting(const SyncRequest& request);
  Sync new_sync(const SyncRequest& request, WallTime now);
  Sync& add(const SyncRequest& request);
  void put_in_queue(const Sync& sync);
  void no_longer_waiting(const Sync& sync);
  void start_what_may();
  void start(const std::string& id);
  void launch(const std::string& id);
  void probed(const std::string& id, Probed probed);
  void work(const std::string& id, Listed listed);
  void kept_waiting(const std::string& id, bool waits);
  void ended(const std::string& id, SyncEnd end);
  Listed take_listed(const std::string& id);
  void end_probing(const std::string& id);
  void finish(Sync sync, SyncEnd end, const std::function<void(const Sync&)>& tell_first = {});
  void clear_away(const RepositoryRecord& deleted);

  Surroundings around_;
  Queue queue_;
  Probing probing_;
  SyncListener* listener_ = nullptr;
  Catalog catalog_;
  Maintenance maintenance_;
  std::unordered_map<std::string, Sync> syncs_;  // queued and in progress, by id
  std::unordered_multimap<std::string, std::string> waiting_by_repo_;
  std::unordered_map<std::string, Running> running_;
  std::unordered_map<std::string, Known> listed_;  // by sync: what was found before it was queued
  std::shared_ptr<bool> alive_ =
      std::make_shared<bool>(true);    // false once we are gone; read on the loop only
  bool adopting_ = false;              // from adopt() to the next tick() no sync starts
  std::vector<std::string> given_up_;  // adopted, and to be ended at the next tick()
  bool stopped_ = false;
  bool interrupting_ = false;
};

}  // namespace refsyncd
