#include "config/fixed_settings.h"

#include <fmt/format.h>

namespace refsyncd {
namespace {

/// Where the value stands; for one that is left to its default, the section it would stand in.
ConfigProblem refusal(const Config& read, const std::string& key) {
  auto place = read.service_places.find(key);
  if (place == read.service_places.end()) place = read.service_places.find("");
  ConfigProblem problem{
      .message =
          fmt::format("service.{} cannot change while the agent runs; restart it to use this file", key)};
  if (place != read.service_places.end()) {
    problem.line = static_cast<int>(place->second.line);
    problem.column = static_cast<int>(place->second.column);
  }
  return problem;
}

}  // namespace

std::vector<ConfigProblem> changed_fixed_settings(const ServiceConfig& running, const Config& read) {
  const auto& now = read.service;
  std::vector<ConfigProblem> problems;
  const auto check = [&](bool same, const char* key) {
    if (!same) problems.push_back(refusal(read, key));
  };
  check(now.data_dir == running.data_dir, "data_dir");
  check(now.kind == running.kind, "kind");
  if (now.kind != running.kind) return problems;  // the other keys mean something else then
  check(now.org == running.org, "org");
  check(now.mesa.url == running.mesa.url, "url");
  check(now.mesa.credential == running.mesa.credential, "credential");
  check(now.mesa.webhook_secret == running.mesa.webhook_secret, "webhook_secret");
  check(now.mesa.manage_upstream == running.mesa.manage_upstream, "manage_upstream");
  return problems;
}

}  // namespace refsyncd
