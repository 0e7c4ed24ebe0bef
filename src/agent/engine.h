#pragma once
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "agent/services.h"
#include "base/file.h"
#include "base/loop.h"
#include "base/worker_pool.h"
#include "config/config.h"
#include "model/observer.h"
#include "run/runner.h"
#include "store/recorder.h"
#include "store/sql_store.h"

namespace refsyncd {

/// Everything that syncs, wired together: the data directory, the store, the service (embedded or hosted) and
/// the runner. What stands around it (HTTP, signals, the command line) talks to it on the loop's thread.
class Engine {
 public:
  using OnStoreError = std::function<void(const Failure&)>;

  /// Takes the data directory for us alone and opens the store. Throws LockHeld when another agent has it,
  /// and Error when something cannot work. `observer` and `clock` outlive the engine.
  Engine(const ServiceConfig& service, const Clock& clock, Observer& observer, OnStoreError on_store_error);
  /// Interrupts what runs and waits for it.
  ~Engine();

  /// Takes up what an earlier process left and starts the schedule.
  void start(Config config);
  /// Starts the threads a new configuration needs: "", or why that cannot be, in which case it must not be
  /// reloaded.
  std::string make_room_for(const Config& config);
  /// A new configuration, for which there is room: running syncs, histories and due times of what stays are
  /// kept.
  void reload(Config config);

  /// One turn of the loop: starts what is due, and handles what happens until `deadline` at the latest.
  void turn(SteadyTime deadline);

  /// Nothing new starts from now on.
  void stop_starting();
  /// Stops running syncs, to be run again by the next process.
  void interrupt() { service_.interrupt(); }
  /// No sync is running and everything is written down.
  bool at_rest() const {
    return service_.running() == 0 && recorder_.idle() && (!local_ || local_->webhooks.at_rest());
  }

  Loop& loop() { return loop_; }
  Runner& runner() { return runner_; }
  SyncService& service() { return service_; }
  /// The service as what it is; nullptr when it is the other one.
  LocalService* local() { return local_ ? &local_->service : nullptr; }
  Webhooks* webhooks() { return local_ ? &local_->webhooks : nullptr; }
  MesaService* hosted() { return hosted_ ? &hosted_->service : nullptr; }
  Store& store() { return store_; }
  Recorder& recorder() { return recorder_; }

 private:
  static std::filesystem::path prepared(const std::filesystem::path& data_dir);
  static FileLock locked(const std::filesystem::path& data_dir);
  ServiceNeeds needs(Observer& observer);
  bool enough_workers(size_t count);
  double roll();
  void purge_when_due();
  void purge(WallTime before);
  void purge_deliveries(WallTime before);

  const Clock& clock_;
  std::mt19937_64 dice_;
  milliseconds retention_;
  SteadyTime next_purge_;
  std::filesystem::path data_dir_;
  FileLock lock_;
  SqlStore store_;
  Loop loop_;
  GroupRecorder recorder_;
  std::unique_ptr<LocalParts> local_;  // one of the two
  std::unique_ptr<HostedParts> hosted_;
  SyncService& service_;
  Runner runner_;
  WorkerPool writer_;   // one thread: writes stay in order
  WorkerPool workers_;  // last: their threads use everything above
};

}  // namespace refsyncd
