#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/control_json.h"
#include "base/duration.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/control_socket.h"
#include "cli/print.h"
#include "report/wording.h"

namespace refsyncd {
namespace {

std::string ago(const std::optional<WallTime>& then, WallTime now) {
  return then ? format_duration(std::chrono::floor<std::chrono::seconds>(now - *then)) + " ago" : "never";
}

std::string last_outcome(const PolicyState& state) {
  if (state.last_failure) {
    const auto failures =
        state.consecutive_failures > 1 ? fmt::format(", {} runs in a row", state.consecutive_failures) : "";
    return fmt::format("failed ({}{})", to_string(state.last_failure->kind), failures);
  }
  return state.last_success ? "completed: " + describe(state.last_counts) : "none yet";
}

std::string now_doing(const PolicyStatus& policy) {
  return policy.why_not_running.empty() ? "sync in progress" : policy.why_not_running;
}

void print_text(const AgentStatus& agent, const std::vector<PolicyStatus>& policies) {
  const auto now = SystemClock().now();
  fmt::print("refsyncd {} on {}, started {}{}\n", agent.version, agent.config_file,
             ago(agent.started_at, now), agent.draining ? ", stopping" : "");
  fmt::print("{}, {} in progress, {} queued; metrics: {}\n", counted(agent.policies, "policy"),
             counted(agent.in_progress, "sync"), agent.queued,
             agent.http_address.empty() ? "off" : fmt::format("http://{}/metrics", agent.http_address));
  if (!agent.config_problem.empty()) fmt::print("the last reload failed:\n{}\n", agent.config_problem);
  std::vector<std::vector<std::string>> rows{{"POLICY", "STATE", "LAST SUCCESS", "LAST OUTCOME", "NOW"}};
  for (const auto& policy : policies) {
    rows.push_back({policy.policy, std::string(to_string(policy.state.phase)),
                    ago(policy.state.last_success, now), last_outcome(policy.state), now_doing(policy)});
  }
  fmt::print("\n{}", table(rows));
  for (const auto& policy : policies) {
    if (policy.state.last_failure) {
      fmt::print("\n{}: {}\n", policy.policy, policy.state.last_failure->message);
    }
  }
}

/// Those of the wanted names, or all when none is wanted.
std::vector<PolicyStatus> choose(std::vector<PolicyStatus> policies, const std::vector<std::string>& wanted) {
  if (wanted.empty()) return policies;
  std::vector<std::string_view> known;
  for (const auto& policy : policies) known.push_back(policy.policy);
  for (const auto& name : wanted) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    throw UsageError(fmt::format("the agent has no policy '{}'{}", name, suggestion(name, known)));
  }
  std::erase_if(policies, [&](const PolicyStatus& policy) {
    return std::find(wanted.begin(), wanted.end(), policy.policy) == wanted.end();
  });
  return policies;
}

Exit status(const Parsed& parsed, const std::vector<std::string>& wanted, bool json) {
  auto agent = running_agent(parsed);
  const auto whole = agent.agent();
  const auto policies = choose(agent.status(), wanted);
  if (json) {
    auto list = nlohmann::json::array();
    for (const auto& policy : policies) list.push_back(control_json(policy));
    fmt::print("{}\n", nlohmann::ordered_json{{"agent", control_json(whole)}, {"policies", list}}.dump(2));
  } else {
    print_text(whole, policies);
  }
  return Exit::ok;
}

}  // namespace

void add_status(CLI::App& app, Parsed& parsed) {
  struct Options {
    std::vector<std::string> policies;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("status", "Show what each policy of the running agent does, and why");
  command->add_option("POLICY", options->policies, "Only these policies (default: all)");
  command->add_flag("--json", options->json, "Print JSON");
  add_agent_options(*command, parsed);
  command->callback([&parsed, options] {
    parsed.action = [&parsed, options] { return status(parsed, options->policies, options->json); };
  });
}

}  // namespace refsyncd
