#include "report/families.h"

#include <prometheus/client_metric.h>

#include <initializer_list>
#include <utility>

namespace refsyncd {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::initializer_list<std::pair<const char*, std::string_view>>;

ClientMetric labelled(Labels labels) {
  ClientMetric metric;
  metric.label.reserve(labels.size());
  for (const auto& [name, value] : labels) metric.label.push_back({name, std::string(value)});
  return metric;
}

double seconds(WallTime time) { return static_cast<double>(time.time_since_epoch().count()) / 1000.0; }

/// A family under construction.
class Family {
 public:
  Family(MetricType type, const char* name, const char* help) : family_{name, help, type, {}} {}

  void add(Labels labels, double value) {
    auto metric = labelled(labels);
    (family_.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
    family_.metric.push_back(std::move(metric));
  }
  void add(Labels labels, uint64_t value) { add(labels, static_cast<double>(value)); }
  void add(Labels labels, const Histogram& histogram);

  operator MetricFamily() && { return std::move(family_); }

 private:
  MetricFamily family_;
};

void Family::add(Labels labels, const Histogram& histogram) {
  auto metric = labelled(labels);
  auto& out = metric.histogram;
  const auto counts = histogram.counts();
  for (size_t i = 0; i < histogram.bounds().size(); ++i) {
    out.sample_count += counts[i];
    out.bucket.push_back({out.sample_count, histogram.bounds()[i]});
  }
  out.sample_count += counts.back();
  out.sample_sum = histogram.sum();
  family_.metric.push_back(std::move(metric));
}

constexpr std::array directions{Direction::pull, Direction::push};

/// Calls visit(policy label, direction, totals of that direction): one direction for a policy, both for
/// shared labels.
template <class Visit>
void each_direction(const Counters& counters, Visit visit) {
  for (const auto& [name, series] : counters.policies) {
    visit(std::string_view(name), series.direction, series.totals.of(series.direction));
  }
  for (const auto direction : directions) {
    visit(std::string_view(manual_policy), direction, counters.manual.of(direction));
    if (counters.other)
      visit(std::string_view(other_policies), direction, counters.other->totals.of(direction));
  }
}

MetricFamily refs(const Counters& counters) {
  Family family(MetricType::Counter, "refsyncd_refs_total", "Refs of finished syncs, by outcome.");
  each_direction(counters, [&](std::string_view policy, Direction direction,
                               const PolicyTotals::Syncs& totals) {
    for (const auto outcome : all_outcomes) {
      family.add({{"policy", policy}, {"direction", to_string(direction)}, {"outcome", to_string(outcome)}},
                 totals.refs[outcome]);
    }
  });
  return family;
}

MetricFamily syncs(const Counters& counters) {
  Family family(MetricType::Counter, "refsyncd_syncs_total", "Syncs that reached their end, by status.");
  each_direction(
      counters, [&](std::string_view policy, Direction direction, const PolicyTotals::Syncs& totals) {
        const auto add = [&](SyncStatus status, uint64_t value) {
          family.add({{"policy", policy}, {"direction", to_string(direction)}, {"status", to_string(status)}},
                     value);
        };
        add(SyncStatus::completed, totals.completed);
        add(SyncStatus::failed, totals.failed);
      });
  return family;
}

MetricFamily attempt_failures(const Counters& counters) {
  Family family(MetricType::Counter, "refsyncd_attempt_failures_total",
                "Attempts that failed, by kind of error; one run may make several.");
  const auto add = [&](std::string_view policy, const PolicyTotals& totals) {
    for (const auto kind : all_error_kinds) {
      family.add({{"policy", policy}, {"kind", to_string(kind)}}, uint64_t{totals.failures(kind)});
    }
  };
  for (const auto& [name, series] : counters.policies) add(name, series.totals);
  add(manual_policy, counters.manual);
  if (counters.other) add(other_policies, counters.other->totals);
  return family;
}

/// A gauge with one series a policy.
template <class Value>
MetricFamily policy_gauge(const Counters& counters, const char* name, const char* help, Value value) {
  Family family(MetricType::Gauge, name, help);
  for (const auto& [policy, series] : counters.policies)
    family.add({{"policy", policy}}, value(series.gauges));
  if (counters.other) family.add({{"policy", other_policies}}, value(counters.other->gauges));
  return family;
}

template <class Number>
MetricFamily single(MetricType type, const char* name, const char* help, Number value) {
  Family family(type, name, help);
  family.add({}, value);
  return family;
}

MetricFamily durations(const Counters& counters) {
  Family family(MetricType::Histogram, "refsyncd_sync_duration_seconds",
                "Time from the start of a sync to its end, completed or failed.");
  for (const auto direction : directions) {
    family.add({{"direction", to_string(direction)}}, counters.duration.at(static_cast<size_t>(direction)));
  }
  return family;
}

MetricFamily build_info(const std::string& version) {
  Family family(MetricType::Gauge, "refsyncd_build_info", "Always 1; the labels say what is running.");
  family.add({{"version", version}}, 1.0);
  return family;
}

MetricFamily lateness(const Counters& counters) {
  Family family(MetricType::Histogram, "refsyncd_schedule_lateness_seconds",
                "How long after its scheduled time a run was begun.");
  family.add({}, counters.lateness);
  return family;
}

void add_policy_gauges(std::vector<MetricFamily>& all, const Counters& counters) {
  const auto add = [&](const char* name, const char* help, auto value) {
    all.push_back(policy_gauge(counters, name, help, value));
  };
  add("refsyncd_rejected_refs", "Refs the last completed sync of the policy could not update safely.",
      [](const PolicyGauges& gauges) { return uint64_t{gauges.rejected_refs}; });
  add("refsyncd_consecutive_failures", "Runs of the policy that failed since its last success.",
      [](const PolicyGauges& gauges) { return uint64_t{gauges.consecutive_failures}; });
  add("refsyncd_last_success_timestamp_seconds", "When a run of the policy last completed; 0 for never.",
      [](const PolicyGauges& gauges) { return seconds(gauges.last_success); });
  add("refsyncd_last_attempt_timestamp_seconds", "When a sync was last asked for by the policy; 0 for never.",
      [](const PolicyGauges& gauges) { return seconds(gauges.last_attempt); });
  add("refsyncd_next_run_timestamp_seconds", "The next scheduled time of the policy; 0 while not known.",
      [](const PolicyGauges& gauges) { return seconds(gauges.next_run); });
}

void add_agent(std::vector<MetricFamily>& all, const Counters& counters) {
  using enum MetricType;
  all.push_back(single(Gauge, "refsyncd_queue_depth", "Syncs waiting for their turn.", counters.queued));
  all.push_back(single(Gauge, "refsyncd_syncs_in_progress", "Syncs being worked on.", counters.in_progress));
  all.push_back(lateness(counters));
  all.push_back(single(Counter, "refsyncd_store_errors_total", "Writes to the state database that failed.",
                       counters.store_errors));
  all.push_back(single(Gauge, "refsyncd_config_last_reload_successful",
                       "1 when the configuration read last was good, else 0.",
                       uint64_t{counters.config_good}));
  all.push_back(single(Gauge, "refsyncd_config_last_reload_success_timestamp_seconds",
                       "When a good configuration was last read.", seconds(counters.config_loaded)));
  all.push_back(single(Gauge, "refsyncd_metrics_truncated",
                       "1 when the policies beyond metrics.max_policies share one label, else 0.",
                       uint64_t{counters.other.has_value()}));
}

void add_maintenance(std::vector<MetricFamily>& all, const Counters& counters) {
  Family total(MetricType::Counter, "refsyncd_maintenance_total",
               "Maintenances of repositories: done, interrupted (continued later), or failed.");
  for (const auto result : all_maintenance_results) {
    total.add({{"result", to_string(result)}}, counters.maintenance.at(static_cast<size_t>(result)));
  }
  all.push_back(std::move(total));
  Family duration(MetricType::Histogram, "refsyncd_maintenance_duration_seconds",
                  "Time that a maintenance of a repository took.");
  duration.add({}, counters.maintenance_duration);
  all.push_back(std::move(duration));
}

MetricFamily webhook_deliveries(const Counters& counters) {
  Family family(MetricType::Counter, "refsyncd_webhook_deliveries_total",
                "Tries to deliver a webhook: delivered, failed (tried again later), or dead (given up).");
  family.add({{"result", "delivered"}}, counters.webhooks_delivered);
  family.add({{"result", "failed"}}, counters.webhooks_failed);
  family.add({{"result", "dead"}}, counters.webhooks_given_up);
  return family;
}

MetricFamily webhooks_received(const Counters& counters) {
  Family family(MetricType::Counter, "refsyncd_webhook_received_total",
                "Webhooks of Git forges that came in, by what became of them.");
  for (const auto& [forge, by_result] : counters.notices) {
    for (const auto result : all_notice_results) {
      family.add({{"provider", to_string(forge)}, {"result", to_string(result)}},
                 by_result.at(static_cast<size_t>(result)));
    }
  }
  return family;
}

void add_webhooks(std::vector<MetricFamily>& all, const Counters& counters) {
  using enum MetricType;
  all.push_back(webhooks_received(counters));
  all.push_back(webhook_deliveries(counters));
  all.push_back(single(Gauge, "refsyncd_webhook_deliveries_pending",
                       "Webhook deliveries that wait or are under way.", counters.webhooks_pending));
  all.push_back(single(Gauge, "refsyncd_webhook_deliveries_dead",
                       "Webhook deliveries that were given up and are still kept.", counters.webhooks_dead));
}

void add_process(std::vector<MetricFamily>& all, const ProcessStats& process) {
  using enum MetricType;
  all.push_back(single(Gauge, "process_start_time_seconds", "When the process started.", process.start_time));
  all.push_back(
      single(Counter, "process_cpu_seconds_total", "CPU time spent, user and system.", process.cpu_seconds));
  all.push_back(single(Gauge, "process_resident_memory_bytes", "Resident memory.", process.resident_bytes));
  all.push_back(single(Gauge, "process_open_fds", "Open file descriptors.", process.open_fds));
  all.push_back(single(Gauge, "process_max_fds", "Limit of open file descriptors.", process.max_fds));
}

}  // namespace

std::vector<MetricFamily> families(const Counters& counters, const ProcessStats& process,
                                   const std::string& version) {
  std::vector<MetricFamily> all;
  all.push_back(build_info(version));
  all.push_back(refs(counters));
  all.push_back(syncs(counters));
  all.push_back(durations(counters));
  all.push_back(attempt_failures(counters));
  add_policy_gauges(all, counters);
  add_agent(all, counters);
  add_maintenance(all, counters);
  add_webhooks(all, counters);
  add_process(all, process);
  return all;
}

}  // namespace refsyncd
