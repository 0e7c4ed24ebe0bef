#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "model/forge.h"
#include "model/maintenance.h"
#include "model/policy_state.h"
#include "model/sync.h"

namespace refsyncd {

/// What only ever grows for one policy. Plain numbers: a thousand policies take a fifth of a megabyte.
struct PolicyTotals {
  struct Syncs {
    RefCounts refs;
    uint64_t completed = 0;
    uint64_t failed = 0;
  };
  std::array<Syncs, 2> by_direction{};
  std::array<uint32_t, std::size(all_error_kinds)> attempt_failures{};

  Syncs& of(Direction direction) { return by_direction.at(static_cast<size_t>(direction)); }
  const Syncs& of(Direction direction) const { return by_direction.at(static_cast<size_t>(direction)); }
  uint32_t& failures(ErrorKind kind) { return attempt_failures.at(static_cast<size_t>(kind)); }
  uint32_t failures(ErrorKind kind) const { return attempt_failures.at(static_cast<size_t>(kind)); }

  /// Counts a completed or failed sync and its refs.
  void add(const Sync& sync);
};

/// Where one policy stands. The epoch means "never".
struct PolicyGauges {
  WallTime last_success{};
  WallTime last_attempt{};
  WallTime next_run{};
  uint32_t consecutive_failures = 0;
  uint32_t rejected_refs = 0;

  /// Takes over what a policy remembers of its runs; the next run stays.
  void take(const PolicyState& state);
  /// An attempt began; earlier ones than the last known are ignored.
  void attempted(WallTime when) { last_attempt = std::max(last_attempt, when); }
};

/// One set of gauges for many policies that shows the worst of them: the oldest times, the most failures in a
/// row, and the sum of rejected refs.
class WorstGauges {
 public:
  void add(const PolicyGauges& gauges);
  PolicyGauges value() const { return worst_.value_or(PolicyGauges{}); }

 private:
  std::optional<PolicyGauges> worst_;
};

struct PolicySeries {
  Direction direction = Direction::pull;
  PolicyTotals totals;
  PolicyGauges gauges;
};

/// Counts observations by upper bound (inclusive), as a Prometheus histogram does.
class Histogram {
 public:
  /// The bounds ascend and outlive the histogram.
  explicit Histogram(std::span<const double> bounds) : bounds_(bounds), counts_(bounds.size() + 1) {}
  void observe(milliseconds value);

  std::span<const double> bounds() const { return bounds_; }
  /// One a bound, then the observations beyond the last bound. Not cumulative.
  std::span<const uint64_t> counts() const { return counts_; }
  double sum() const { return sum_; }

 private:
  std::span<const double> bounds_;
  std::vector<uint64_t> counts_;
  double sum_ = 0;
};

/// Everything a scrape shows, as plain values.
struct Counters {
  Counters();

  std::map<std::string, PolicySeries, std::less<>> policies;
  std::optional<PolicySeries>
      other;            ///< the policies beyond the limit together; nothing while all have their own
  PolicyTotals manual;  ///< syncs asked for by hand
  std::array<Histogram, 2> duration;  ///< by direction
  Histogram lateness;
  uint64_t queued = 0;
  uint64_t in_progress = 0;
  uint64_t store_errors = 0;
  std::array<uint64_t, all_maintenance_results.size()> maintenance{};  ///< of repositories, by result
  Histogram maintenance_duration;
  uint64_t webhooks_delivered = 0;
  uint64_t webhooks_failed = 0;  ///< tries, the last ones not included
  uint64_t webhooks_given_up = 0;
  uint64_t webhooks_pending = 0;
  uint64_t webhooks_dead = 0;  ///< given up and still kept
  /// Webhooks of the forges that may send any, by what became of them.
  std::map<Forge, std::array<uint64_t, all_notice_results.size()>> notices;
  bool config_good = false;
  WallTime config_loaded{};  ///< when a good configuration was last read
};

}  // namespace refsyncd
