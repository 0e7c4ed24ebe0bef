#pragma once
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "model/forge.h"
#include "model/maintenance.h"
#include "model/policy_state.h"
#include "model/sync.h"
#include "model/webhook.h"

namespace refsyncd {

/// Hears what happens, to report it: metrics, log, progress. Called on the loop's thread unless said
/// otherwise; must return quickly and never throw. Each event is told once, except that a crash may repeat
/// the last ones.
class Observer {
 public:
  virtual ~Observer() = default;

  /// The policies of a new configuration. Those that stay keep their counters.
  virtual void policies_changed(std::span<const Policy> /*policies*/) {}
  /// What a policy remembers from before a restart, or from before it was taken out of the configuration.
  virtual void policy_restored(const Policy&, const PolicyState&) {}
  /// A configuration was read: at start, or on reload. `problem` is "" when it was good.
  virtual void config_loaded(bool /*reload*/, std::string_view /*problem*/) {}

  /// A sync is durable and waits for its turn.
  virtual void sync_queued(const Sync&) {}
  /// A queued sync has started.
  virtual void sync_started(const Sync&) {}
  /// A short line on what a running sync is doing ("Receiving objects: 45%").
  virtual void sync_progress(const Sync&, std::string_view /*line*/) {}
  /// A sync is completed or failed, and durable.
  virtual void sync_finished(const Sync&) {}

  /// A policy's scheduled time was taken `late` after it came.
  virtual void run_started(const Policy&, milliseconds /*late*/) {}
  /// An attempt of a run failed. `retry_in` is the wait before the next one; nothing when the run ends with
  /// it.
  virtual void attempt_failed(const Policy&, const Failure&, std::optional<milliseconds> /*retry_in*/) {}
  /// A run has ended; the state holds its result. `was` is the state before the run's end: compare to notice
  /// changes.
  virtual void run_finished(const Policy&, const PolicyState& /*was*/, const PolicyState& /*now*/) {}
  /// A policy's next scheduled time.
  virtual void run_scheduled(const Policy&, WallTime /*next_due*/) {}

  /// The store knows nothing of these files and folders that were made through the API; they are left alone.
  /// At start.
  virtual void unknown_files(std::span<const std::filesystem::path> /*files*/) {}

  /// A forge, or somebody else, has sent a webhook.
  virtual void notice_received(const NoticeReceipt&) {}

  /// A repository was maintained, or at least that was begun.
  virtual void maintained(const MaintenanceReport&) {}

  /// A webhook's target has taken a delivery.
  virtual void webhook_delivered(const Delivery&) {}
  /// A try of a delivery failed. `retry_in` is the wait before the next one; nothing when it is given up.
  virtual void webhook_failed(const Delivery&, const Failure&, std::optional<milliseconds> /*retry_in*/) {}
  /// The oldest delivery that waited for this target was given up, because too many did.
  virtual void webhook_abandoned(const std::string& /*target_id*/) {}
  /// How many deliveries wait or are under way, and how many were given up and are kept.
  virtual void webhooks_outstanding(size_t /*pending*/, size_t /*dead*/) {}
};

/// Tells several observers in turn. Keeps no ownership.
class Observers final : public Observer {
 public:
  void add(Observer& observer) { observers_.push_back(&observer); }

  void policies_changed(std::span<const Policy> policies) override {
    for (auto* o : observers_) o->policies_changed(policies);
  }
  void policy_restored(const Policy& policy, const PolicyState& state) override {
    for (auto* o : observers_) o->policy_restored(policy, state);
  }
  void config_loaded(bool reload, std::string_view problem) override {
    for (auto* o : observers_) o->config_loaded(reload, problem);
  }
  void sync_queued(const Sync& sync) override {
    for (auto* o : observers_) o->sync_queued(sync);
  }
  void sync_started(const Sync& sync) override {
    for (auto* o : observers_) o->sync_started(sync);
  }
  void sync_progress(const Sync& sync, std::string_view line) override {
    for (auto* o : observers_) o->sync_progress(sync, line);
  }
  void sync_finished(const Sync& sync) override {
    for (auto* o : observers_) o->sync_finished(sync);
  }
  void run_started(const Policy& policy, milliseconds late) override {
    for (auto* o : observers_) o->run_started(policy, late);
  }
  void attempt_failed(const Policy& policy, const Failure& failure,
                      std::optional<milliseconds> retry_in) override {
    for (auto* o : observers_) o->attempt_failed(policy, failure, retry_in);
  }
  void run_finished(const Policy& policy, const PolicyState& was, const PolicyState& now) override {
    for (auto* o : observers_) o->run_finished(policy, was, now);
  }
  void run_scheduled(const Policy& policy, WallTime next_due) override {
    for (auto* o : observers_) o->run_scheduled(policy, next_due);
  }
  void unknown_files(std::span<const std::filesystem::path> files) override {
    for (auto* o : observers_) o->unknown_files(files);
  }
  void notice_received(const NoticeReceipt& receipt) override {
    for (auto* o : observers_) o->notice_received(receipt);
  }
  void maintained(const MaintenanceReport& report) override {
    for (auto* o : observers_) o->maintained(report);
  }
  void webhook_delivered(const Delivery& delivery) override {
    for (auto* o : observers_) o->webhook_delivered(delivery);
  }
  void webhook_failed(const Delivery& delivery, const Failure& failure,
                      std::optional<milliseconds> retry_in) override {
    for (auto* o : observers_) o->webhook_failed(delivery, failure, retry_in);
  }
  void webhook_abandoned(const std::string& target_id) override {
    for (auto* o : observers_) o->webhook_abandoned(target_id);
  }
  void webhooks_outstanding(size_t pending, size_t dead) override {
    for (auto* o : observers_) o->webhooks_outstanding(pending, dead);
  }

 private:
  std::vector<Observer*> observers_;
};

}  // namespace refsyncd
