#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "config/describe.h"
#include "schedule/next_due.h"

namespace refsyncd {
namespace {

Exit check(const Parsed& parsed) {
  const auto config = read_config(parsed);
  const auto now = SystemClock().now();
  std::vector<std::vector<std::string>> rows{
      {"POLICY", "REPO", "DIRECTION", "WHEN", "NEXT DUE (UTC)", "", ""}};
  for (const auto& policy : config.policies) {
    std::vector<std::string> row{policy.name, policy.repo, std::string(to_string(policy.direction)),
                                 describe_schedule(policy)};
    auto due = now;
    for (int i = 0; i < 3; ++i) {
      due = next_due(policy, due);
      row.push_back(describe_time(due));
    }
    rows.push_back(std::move(row));
  }
  fmt::print("{}", table(rows));
  fmt::print("\n{} is good: {}, {}, state in {}\n", config.file.string(),
             counted(config.policies.size(), "policy"), counted(config.repos.size(), "repository"),
             config.service.data_dir.string());
  return Exit::ok;
}

}  // namespace

void add_check(CLI::App& app, Parsed& parsed) {
  auto* command = app.add_subcommand(
      "check", "Check the configuration; print the schedule and each policy's next three due times");
  add_config_option(*command, parsed);
  command->callback([&parsed] { parsed.action = [&parsed] { return check(parsed); }; });
}

}  // namespace refsyncd
