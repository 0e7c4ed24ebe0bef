#include "report/metrics.h"

#include <prometheus/text_serializer.h>

#include <utility>

#include "base/text.h"
#include "report/families.h"
#include "report/process_stats.h"

namespace refsyncd {

Metrics::Metrics(std::string version, const Clock& clock, size_t max_policies)
    : version_(std::move(version)), clock_(clock), max_policies_(max_policies) {}

void Metrics::expect_notices_of(Forge forge) {
  const std::lock_guard lock(mutex_);
  counters_.notices.try_emplace(forge);
}

void Metrics::store_failed() {
  const std::lock_guard lock(mutex_);
  ++counters_.store_errors;
}

std::vector<prometheus::MetricFamily> Metrics::Collect() const {
  return families(snapshot(), read_process_stats(), version_);
}

std::string Metrics::text() const { return prometheus::TextSerializer().Serialize(Collect()); }

Counters Metrics::snapshot() const {
  const std::lock_guard lock(mutex_);
  auto copy = counters_;
  if (copy.other) {
    WorstGauges worst;
    for (const auto& [key, gauges] : beyond_limit_) worst.add(gauges);
    copy.other->gauges = worst.value();
  }
  return copy;
}

void Metrics::policies_changed(std::span<const Policy> policies) {
  const std::lock_guard lock(mutex_);
  auto before = std::exchange(counters_.policies, {});
  auto beyond_before = std::exchange(beyond_limit_, {});
  for (const auto& policy : policies) counters_.policies.insert(before.extract(policy.name));
  for (const auto& policy : policies) {
    const auto known = beyond_before.find(stable_hash(policy.name));
    const auto gauges = known == beyond_before.end() ? PolicyGauges{} : known->second;
    if (counters_.policies.contains(policy.name) || counters_.policies.size() < max_policies_) {
      const auto [series, added] = counters_.policies.try_emplace(policy.name);
      series->second.direction = policy.direction;
      if (added) series->second.gauges = gauges;
    } else {
      beyond_limit_[stable_hash(policy.name)] = gauges;
    }
  }
  if (beyond_limit_.empty()) counters_.other.reset();
  if (!beyond_limit_.empty() && !counters_.other) counters_.other.emplace();
}

void Metrics::policy_restored(const Policy& /*policy*/, const PolicyState& state) {
  const std::lock_guard lock(mutex_);
  take(state);
}

void Metrics::config_loaded(bool /*reload*/, std::string_view problem) {
  const std::lock_guard lock(mutex_);
  counters_.config_good = problem.empty();
  if (counters_.config_good) counters_.config_loaded = clock_.now();
}

void Metrics::sync_queued(const Sync& sync) {
  const std::lock_guard lock(mutex_);
  move_to(sync, Stage::queued);
  if (auto* gauges = gauges_of(sync.request.policy)) gauges->attempted(sync.created_at);
}

void Metrics::sync_started(const Sync& sync) {
  const std::lock_guard lock(mutex_);
  move_to(sync, Stage::in_progress);
}

void Metrics::sync_finished(const Sync& sync) {
  const std::lock_guard lock(mutex_);
  leave(sync);
  if (auto* totals = totals_of(sync.request.policy)) totals->add(sync);
  if (auto* gauges = gauges_of(sync.request.policy)) gauges->attempted(sync.created_at);
  // Nobody retries a sync asked for by hand, so no run tells of its failure.
  if (sync.request.policy.empty() && sync.failure) ++counters_.manual.failures(sync.failure->kind);
  if (sync.started_at && sync.finished_at) {
    counters_.duration.at(static_cast<size_t>(sync.request.direction))
        .observe(*sync.finished_at - *sync.started_at);
  }
}

void Metrics::run_started(const Policy& /*policy*/, milliseconds late) {
  const std::lock_guard lock(mutex_);
  counters_.lateness.observe(late);
}

void Metrics::attempt_failed(const Policy& policy, const Failure& failure,
                             std::optional<milliseconds> /*retry_in*/) {
  const std::lock_guard lock(mutex_);
  if (auto* totals = totals_of(policy.name)) ++totals->failures(failure.kind);
}

void Metrics::run_finished(const Policy& /*policy*/, const PolicyState& /*was*/, const PolicyState& now) {
  const std::lock_guard lock(mutex_);
  take(now);
}

void Metrics::run_scheduled(const Policy& policy, WallTime next_due) {
  const std::lock_guard lock(mutex_);
  if (auto* gauges = gauges_of(policy.name)) gauges->next_run = next_due;
}

void Metrics::notice_received(const NoticeReceipt& receipt) {
  const std::lock_guard lock(mutex_);
  ++counters_.notices[receipt.forge].at(static_cast<size_t>(receipt.result));
}

void Metrics::maintained(const MaintenanceReport& report) {
  const std::lock_guard lock(mutex_);
  ++counters_.maintenance.at(static_cast<size_t>(report.result));
  counters_.maintenance_duration.observe(report.took);
}

void Metrics::webhook_delivered(const Delivery& /*delivery*/) {
  const std::lock_guard lock(mutex_);
  ++counters_.webhooks_delivered;
}

void Metrics::webhook_failed(const Delivery& /*delivery*/, const Failure& /*failure*/,
                             std::optional<milliseconds> retry_in) {
  const std::lock_guard lock(mutex_);
  ++(retry_in ? counters_.webhooks_failed : counters_.webhooks_given_up);
}

void Metrics::webhook_abandoned(const std::string& /*target_id*/) {
  const std::lock_guard lock(mutex_);
  ++counters_.webhooks_given_up;
}

void Metrics::webhooks_outstanding(size_t pending, size_t dead) {
  const std::lock_guard lock(mutex_);
  counters_.webhooks_pending = pending;
  counters_.webhooks_dead = dead;
}

PolicyTotals* Metrics::totals_of(std::string_view policy) {
  if (policy.empty()) return &counters_.manual;
  if (const auto found = counters_.policies.find(policy); found != counters_.policies.end()) {
    return &found->second.totals;
  }
  return beyond_limit_.contains(stable_hash(policy)) ? &counters_.other->totals : nullptr;
}

PolicyGauges* Metrics::gauges_of(std::string_view policy) {
  if (const auto found = counters_.policies.find(policy); found != counters_.policies.end()) {
    return &found->second.gauges;
  }
  const auto found = beyond_limit_.find(stable_hash(policy));
  return found == beyond_limit_.end() ? nullptr : &found->second;
}

void Metrics::take(const PolicyState& state) {
  if (auto* gauges = gauges_of(state.policy)) gauges->take(state);
}

void Metrics::move_to(const Sync& sync, Stage stage) {
  leave(sync);
  syncs_.emplace(stable_hash(sync.id), stage);
  ++number_at(stage);
}

void Metrics::leave(const Sync& sync) {
  const auto found = syncs_.find(stable_hash(sync.id));
  if (found == syncs_.end()) return;
  --number_at(found->second);
  syncs_.erase(found);
}

uint64_t& Metrics::number_at(Stage stage) {
  return stage == Stage::queued ? counters_.queued : counters_.in_progress;
}

}  // namespace refsyncd
