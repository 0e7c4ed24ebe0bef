#pragma once
#include <functional>
#include <string>
#include <vector>

#include "model/store.h"
#include "model/sync.h"

namespace refsyncd {

/// Hears what becomes of syncs. Called on the loop's thread, never from within a call to the service.
class SyncListener {
 public:
  virtual ~SyncListener() = default;
  /// The sync has started or has reached its end. The end is told at least once.
  virtual void sync_changed(const Sync& sync) = 0;
};

/// Performs syncs somewhere: in this process, or through a hosted API. All calls are made on the loop's
/// thread and return at once.
class SyncService {
 public:
  /// How an enqueue ended: the recorded sync, which may be over already, or why the service would not take
  /// it.
  using Answer = std::function<void(const Sync* sync, const Failure* refused)>;

  virtual ~SyncService() = default;

  /// Who hears of changes; must be set before anything else happens, and outlive the service.
  virtual void set_listener(SyncListener& listener) = 0;
  /// The repositories of the configuration, and how many syncs may run at once, in all and to one upstream
  /// host.
  virtual void configure(std::vector<Repo> repos, size_t concurrency, size_t per_host) = 0;
  /// Takes up what an earlier process left in the store. It goes on at the next tick(), when those who asked
  /// for it have had the time to ask again.
  virtual void adopt(std::vector<RepositoryRecord> repositories, std::vector<Sync> unfinished) = 0;

  /// Asks for a sync. `answer` is called once, later, on the loop's thread, when the sync is durable or
  /// refused. An identical request that is still waiting gets that sync; the more urgent priority holds.
  virtual void enqueue(const SyncRequest& request, Answer answer) = 0;

  /// True when a scheduled request that is lost with the process, before its answer, leaves nothing behind:
  /// asking anew is always right then, and that one was asking need not be written down.
  virtual bool lost_requests_leave_nothing() const { return false; }

  /// Makes a sync that waits for its turn more urgent; one that runs or has ended is left alone. True when it
  /// is certain that the sync is still to look at what its source has, so that it will do for whoever asks
  /// now. A service that keeps no queue here knows nothing of that.
  virtual bool raise(const std::string&, Priority) { return false; }

  /// Follow a sync again after a restart: its end will be told to the listener, at once if it is already
  /// over. False when the service does not know the id. Throws Error when what is remembered cannot be read.
  virtual bool follow(const std::string& sync_id) = 0;

  /// Gives a sync up: a queued one fails, a running one is stopped and fails. Unknown or ended ones are
  /// ignored.
  virtual void cancel(const std::string& sync_id, const Failure& why) = 0;

  /// From now on nothing new starts.
  virtual void stop_starting() = 0;
  /// Lets go of what is running; the next process takes it up.
  virtual void interrupt() = 0;
  /// Syncs waiting for their turn, and syncs running, as far as a stop has to wait for them.
  virtual size_t waiting() const = 0;
  virtual size_t running() const = 0;
  /// What a waiting sync waits for, for a person; "" when it is not waiting.
  virtual std::string waiting_for(const std::string& sync_id) const = 0;

  /// When tick() wants to be called; SteadyTime::max() for never.
  virtual SteadyTime next_wake() const = 0;
  virtual void tick() = 0;
};

}  // namespace refsyncd
