#include "report/counters.h"

#include <algorithm>

namespace refsyncd {
namespace {

constexpr std::array duration_bounds{0.005, 0.025, 0.1,  0.25, 0.5,   1.0,  2.5,
                                     5.0,   10.0,  30.0, 60.0, 300.0, 600.0};
constexpr std::array lateness_bounds{0.01, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0};

}  // namespace

void PolicyTotals::add(const Sync& sync) {
  auto& totals = of(sync.request.direction);
  ++(sync.status == SyncStatus::completed ? totals.completed : totals.failed);
  if (!sync.refs) return;
  const auto refs = count(*sync.refs);
  for (const auto outcome : all_outcomes) totals.refs[outcome] += refs[outcome];
}

void PolicyGauges::take(const PolicyState& state) {
  if (state.last_success) last_success = *state.last_success;
  if (state.last_attempt) attempted(*state.last_attempt);
  consecutive_failures = static_cast<uint32_t>(state.consecutive_failures);
  rejected_refs = static_cast<uint32_t>(state.last_counts.rejected);
}

void WorstGauges::add(const PolicyGauges& gauges) {
  if (!worst_) {
    worst_ = gauges;
    return;
  }
  worst_->last_success = std::min(worst_->last_success, gauges.last_success);
  worst_->last_attempt = std::min(worst_->last_attempt, gauges.last_attempt);
  worst_->next_run = std::min(worst_->next_run, gauges.next_run);
  worst_->consecutive_failures = std::max(worst_->consecutive_failures, gauges.consecutive_failures);
  worst_->rejected_refs += gauges.rejected_refs;
}

void Histogram::observe(milliseconds value) {
  const auto seconds = std::max(0.0, static_cast<double>(value.count()) / 1000.0);
  const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), seconds) - bounds_.begin();
  ++counts_[static_cast<size_t>(bucket)];
  sum_ += seconds;
}

Counters::Counters()
    : duration{Histogram(duration_bounds), Histogram(duration_bounds)},
      lateness(lateness_bounds),
      maintenance_duration(duration_bounds) {}

}  // namespace refsyncd
