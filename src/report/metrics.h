#pragma once
#include <prometheus/collectable.h>

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/observer.h"
#include "report/counters.h"

namespace refsyncd {

/// Counts what happens, for Prometheus. Events come on the loop's thread; text(), Collect() and
/// store_failed() are safe from any thread, and a scrape holds the lock only while it copies plain numbers.
///
/// The first `max_policies` policies have series of their own, all present with zeroes from the start; the
/// others share policy="_other". Policies that stay over a reload keep their counters, removed ones vanish,
/// and an event of a policy that was removed meanwhile is not counted. Syncs asked for by hand count under
/// policy="_manual".
class Metrics final : public Observer, public prometheus::Collectable {
 public:
  /// The clock outlives the metrics.
  Metrics(std::string version, const Clock& clock, size_t max_policies);

  /// This forge may send webhooks: it has series from now on.
  void expect_notices_of(Forge forge);
  /// A write to the store failed.
  void store_failed();

  std::vector<prometheus::MetricFamily> Collect() const override;
  /// The Prometheus text exposition format, version 0.0.4.
  std::string text() const;

  void policies_changed(std::span<const Policy> policies) override;
  void policy_restored(const Policy& policy, const PolicyState& state) override;
  void config_loaded(bool reload, std::string_view problem) override;
  void sync_queued(const Sync& sync) override;
  void sync_started(const Sync& sync) override;
  void sync_finished(const Sync& sync) override;
  void run_started(const Policy& policy, milliseconds late) override;
  void attempt_failed(const Policy& policy, const Failure& failure,
                      std::optional<milliseconds> retry_in) override;
  void run_finished(const Policy& policy, const PolicyState& was, const PolicyState& now) override;
  void run_scheduled(const Policy& policy, WallTime next_due) override;
  void notice_received(const NoticeReceipt& receipt) override;
  void maintained(const MaintenanceReport& report) override;
  void webhook_delivered(const Delivery& delivery) override;
  void webhook_failed(const Delivery& delivery, const Failure& failure,
                      std::optional<milliseconds> retry_in) override;
  void webhook_abandoned(const std::string& target_id) override;
  void webhooks_outstanding(size_t pending, size_t dead) override;

 private:
  /// By stable_hash of the policy's name or the sync's id: tens of thousands of them stay small.
  using Key = uint64_t;
  enum class Stage : uint8_t { queued, in_progress };

  PolicyTotals* totals_of(std::string_view policy);
  PolicyGauges* gauges_of(std::string_view policy);
  void take(const PolicyState& state);
  void move_to(const Sync& sync, Stage stage);
  void leave(const Sync& sync);
  uint64_t& number_at(Stage stage);
  Counters snapshot() const;

  const std::string version_;
  const Clock& clock_;
  const size_t max_policies_;

  mutable std::mutex mutex_;  ///< guards all below
  Counters counters_;
  std::unordered_map<Key, PolicyGauges> beyond_limit_;
  std::unordered_map<Key, Stage> syncs_;  ///< queued and in progress
};

}  // namespace refsyncd
