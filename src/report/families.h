#pragma once
#include <prometheus/metric_family.h>

#include <string>
#include <vector>

#include "report/counters.h"
#include "report/process_stats.h"

namespace refsyncd {

/// The `policy` label of syncs asked for by hand, and of the policies beyond the limit.
inline constexpr auto manual_policy = "_manual";
inline constexpr auto other_policies = "_other";

/// The counters as Prometheus metric families. Every metric name of the project is in families.cc;
/// docs/metrics.md explains them.
std::vector<prometheus::MetricFamily> families(const Counters& counters, const ProcessStats& process,
                                               const std::string& version);

}  // namespace refsyncd
