#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/sync_service.h"
#include "support/fakes.h"

namespace refsyncd {

/// Passes on what is recorded, and knows which syncs are durable, as they then were.
class WatchedRecorder final : public Recorder {
 public:
  std::map<std::string, Sync> durable;

  explicit WatchedRecorder(Recorder& inner) : inner_(inner) {}
  void record(const RepositoryRecord& repository) override { inner_.record(repository); }
  void record(const Sync& sync) override {
    inner_.record(sync);
    inner_.when_durable([this, sync] { durable.insert_or_assign(sync.id, sync); });
  }
  void record(const PolicyState& state) override { inner_.record(state); }
  void record(const WebhookChange& change) override { inner_.record(change); }
  uint64_t records() const override { return inner_.records(); }
  void when_durable(std::function<void()> effect) override { inner_.when_durable(std::move(effect)); }

 private:
  Recorder& inner_;
};

/// Hears a service, and looks at what was durable at that moment.
class WatchingListener final : public SyncListener {
 public:
  struct Told {
    Sync sync;
    std::optional<SyncStatus> durable;  ///< the status that a crash would have left
  };
  std::vector<Told> told;

  explicit WatchingListener(const WatchedRecorder& recorder) : recorder_(recorder) {}
  void sync_changed(const Sync& sync) override {
    const auto found = recorder_.durable.find(sync.id);
    told.push_back(
        {sync, found == recorder_.durable.end() ? std::nullopt : std::optional(found->second.status)});
  }
  /// What was told of the end of this sync.
  std::vector<Told> ends(const std::string& id) const {
    std::vector<Told> found;
    for (const auto& one : told) {
      if (one.sync.id == id && one.sync.terminal()) found.push_back(one);
    }
    return found;
  }

 private:
  const WatchedRecorder& recorder_;
};

/// A service over a store, with repositories "app" and "lib", and a hand on what performs its syncs.
class ServiceHarness {
 public:
  virtual ~ServiceHarness() = default;

  virtual SyncService& service() = 0;
  virtual Store& store() = 0;
  virtual const WatchedRecorder& recorder() const = 0;
  virtual const RecordingObserver& observer() const = 0;
  virtual WatchingListener& listener() = 0;

  /// Does everything that is to be done now. No sync ends by that, unless it was told to.
  virtual void settle() = 0;
  /// From now on a sync that is asked for waits; until release().
  virtual void hold() = 0;
  virtual void release() = 0;
  /// Lets a sync start that need not wait.
  virtual void let_start(const std::string& id) = 0;
  /// Lets the sync end that was asked for first among those that have not ended.
  virtual void end(const std::string& id, const RefResults& refs, const std::optional<Failure>& failure) = 0;
  /// Lets syncs that were told to stop notice it.
  virtual void let_stop() = 0;
  /// How many syncs were begun where they are performed.
  virtual size_t begun() const = 0;
  /// The process ends without warning, and the next one starts over the same store.
  virtual void restart() = 0;

  void complete(const std::string& id, const RefResults& refs = {}) { end(id, refs, std::nullopt); }
};

std::unique_ptr<ServiceHarness> local_harness();
/// The same, where upstreams are asked first; all of them say that there is work.
std::unique_ptr<ServiceHarness> probing_harness();
std::unique_ptr<ServiceHarness> mesa_harness();

}  // namespace refsyncd
