#pragma once
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/worker_pool.h"
#include "model/store.h"

namespace refsyncd {

/// The Recorder that writes groups: everything recorded while one write is under way goes into the next, and
/// of several records of one sync or policy only the last is written. When a write fails nothing is lost: its
/// changes and effects are kept, later records replace earlier ones, and the whole is tried again after 1 s,
/// doubling up to 30 s. What nobody waits for is written 250 ms later at the latest.
///
/// Used on the loop's thread. An effect never runs inside a call of record() or when_durable(). The recorder
/// must outlive the background work and the loop tasks it has handed out: stop once idle(), or when neither
/// runs any more.
class GroupRecorder final : public Recorder {
 public:
  using Task = std::function<void()>;
  using OnError = std::function<void(const Failure&)>;

  /// `in_background` runs a task on another thread (WorkerPool::submit), `on_loop` on the loop's
  /// (Loop::post). `on_error` hears of each failed write. Store and clock outlive the recorder.
  GroupRecorder(Store& store, Executor in_background, Executor on_loop, const Clock& clock,
                OnError on_error = {});
  GroupRecorder(const GroupRecorder&) = delete;
  GroupRecorder& operator=(const GroupRecorder&) = delete;

  void record(const RepositoryRecord& repository) override;
  void record(const Sync& sync) override;
  void record(const PolicyState& state) override;
  void record(const WebhookChange& change) override;
  uint64_t records() const override { return records_; }
  void when_durable(Task effect) override;
  void when_durable_at_leisure(Task effect) override;

  /// When tick() wants to be called; SteadyTime::max() for never.
  SteadyTime next_wake() const;
  /// Begins a write, or tries a failed one again, when its time has come.
  void tick();

  /// True when everything recorded is durable and every effect has been started.
  bool idle() const { return pending() == 0 && !writing_ && collecting_.effects.empty(); }
  /// Records that are not durable yet.
  size_t pending() const;

 private:
  /// Changes of one transaction, and what may happen once they are durable.
  class Group {
   public:
    void add(const RepositoryRecord& repository) { changes_.repositories.push_back(repository); }
    void add(const Sync& sync) { put(changes_.syncs, syncs_, sync.id, sync); }
    void add(const PolicyState& state) { put(changes_.policies, policies_, state.policy, state); }
    void add(const WebhookChange& change) { changes_.webhooks.push_back(change); }
    /// Adds everything of a later group, which wins.
    void append(Group&& later);

    const Changes& changes() const { return changes_; }
    size_t size() const;

    std::vector<Task> effects;

   private:
    using Places = std::unordered_map<std::string, size_t>;
    template <class Record>
    static void put(std::vector<Record>& records, Places& places, const std::string& key,
                    const Record& record);

    Changes changes_;
    Places syncs_;
    Places policies_;
  };

  template <class Record>
  void take(const Record& record);
  void begin_at_leisure();
  void begin_soon();
  void begin();
  void write();
  void written(const std::optional<Failure>& failure);

  Store& store_;
  Executor in_background_;
  Executor on_loop_;
  const Clock& clock_;
  OnError on_error_;
  uint64_t records_ = 0;
  Group collecting_;
  std::optional<Group> writing_;  // read by the background while it is set
  std::optional<SteadyTime> retry_at_;
  std::optional<SteadyTime> begin_by_;  // when what was collected is to be written at the latest
  bool hurried_ = false;                // somebody waits for what was collected
  int failures_ = 0;                    // in a row
  bool beginning_ = false;
};

}  // namespace refsyncd
