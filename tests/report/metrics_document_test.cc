#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
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
  counters.notices[Forge::github] = {};
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

std::string content_of(const std::string& path) {
  std::stringstream content;
  content << std::ifstream(path).rdbuf();
  return content.str();
}

/// All matches of the first group.
std::set<std::string> matches(const std::string& text, const char* pattern) {
  const std::regex regex(pattern);
  std::set<std::string> all;
  for (std::sregex_iterator match(text.begin(), text.end(), regex), end; match != end; ++match)
    all.insert((*match)[1]);
  return all;
}

class Contributed : public testing::TestWithParam<const char*> {};

TEST_P(Contributed, uses_only_metrics_that_exist) {
  const auto known = in_program();
  const auto used = matches(content_of(std::string(REFSYNCD_CONTRIB) + GetParam()), R"((refsyncd_[a-z_]+))");
  EXPECT_FALSE(used.empty());
  for (const auto& name : used) {
    const auto family = std::regex_replace(name, std::regex("_bucket$|_count$|_sum$"), "");
    EXPECT_TRUE(known.contains(family)) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(metrics_document, Contributed,
                         testing::Values("/prometheus/refsyncd.rules.yml", "/grafana/refsyncd.json"),
                         [](const auto& test) { return test.index == 0 ? "alert_rules" : "dashboard"; });

TEST(metrics_document, names_every_alert) {
  const auto rules = matches(content_of(std::string(REFSYNCD_CONTRIB) + "/prometheus/refsyncd.rules.yml"),
                             R"(alert: (\w+))");
  const auto documented =
      matches(content_of(std::string(REFSYNCD_DOCUMENTS) + "/metrics.md"), R"(\| `(Refsyncd\w+)` \|)");
  EXPECT_EQ(documented, rules);
}

}  // namespace
}  // namespace refsyncd
