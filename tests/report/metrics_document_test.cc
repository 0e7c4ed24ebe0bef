#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <regex>
#include <string>

#include "report/families.h"

namespace refsyncd {
namespace {

using prometheus::MetricType;

std::string type_name(MetricType type) {
  switch (type) {
    case MetricType::Counter: return "counter";
    case MetricType::Gauge: return "gauge";
    case MetricType::Histogram: return "histogram";
    case MetricType::Summary: return "summary";
    case MetricType::Untyped: return "untyped";
  }
  return "";
}

std::string label_names(const prometheus::MetricFamily& family) {
  std::string names;
  for (const auto& label : family.metric.at(0).label) names += (names.empty() ? "" : ", ") + label.name;
  return names;
}

/// "type | labels" by name, as the program has it.
std::map<std::string, std::string> in_program() {
  Counters counters;
  counters.policies["app-pull"] = {};
  std::map<std::string, std::string> all;
  for (const auto& family : families(counters, {}, "1")) {
    all[family.name] = type_name(family.type) + " | " + label_names(family);
  }
  return all;
}

/// The same from the rows of the document: | `name` | type | `label`, `label` | meaning |
std::map<std::string, std::string> in_document() {
  const std::regex row(R"(^\| `([a-z_]+)` \| ([a-z]+) \| ([a-z_`, ]*) ?\| .+ \|$)");
  std::ifstream document(std::string(REFSYNCD_DOCUMENTS) + "/metrics.md");
  std::map<std::string, std::string> all;
  for (std::string line; std::getline(document, line);) {
    std::smatch match;
    if (!std::regex_match(line, match, row)) continue;
    auto labels = std::regex_replace(match[3].str(), std::regex("`| +$"), "");
    all[match[1]] = match[2].str() + " | " + labels;
  }
  return all;
}

TEST(metrics_document, names_every_metric_with_its_type_and_labels_and_no_other) {
  EXPECT_EQ(in_document(), in_program());
}

}  // namespace
}  // namespace refsyncd
