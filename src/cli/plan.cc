#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <nlohmann/json.hpp>

#include "base/temporary_folder.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "contract/sync_json.h"
#include "git/smart_http.h"
#include "local/job.h"
#include "report/wording.h"
#include "run/runner.h"

namespace refsyncd {
namespace {

void print_plan(const Policy& policy, const RefResults& refs) {
  fmt::print("{}: {} of {} would leave {}\n", policy.name, to_string(policy.direction), policy.repo,
             describe(count(refs)));
  for (const auto& ref : refs) fmt::print("  {}\n", printable(describe(ref)));
}

void print_failure(const Policy& policy, const Failure& failure) {
  fmt::print(stderr, "{}: cannot plan ({}): {}\n", policy.name, to_string(failure.kind), failure.message);
}

/// A push from a repository that the agent has yet to make is planned as from an empty one.
void tell_if_absent(const Policy& policy, const Repo& repo) {
  if (policy.direction == Direction::pull || !repo.managed || std::filesystem::exists(repo.path)) return;
  tell(fmt::format("{}: repository '{}' does not exist yet and counts as empty; a pull must come first\n",
                   policy.name, repo.name));
}

Exit plan(const Parsed& parsed, const std::vector<std::string>& names, bool json) {
  const auto config = read_config(parsed);
  if (config.service.kind == ServiceKind::mesa) {
    throw UsageError("plan looks at repositories of this machine; with service.kind: mesa there are none");
  }
  std::signal(SIGPIPE, SIG_IGN);  // as SmartHttp demands
  const SystemClock clock;
  const TemporaryFolder folder;  // git's settings: a plan leaves nothing in the data directory
  const GitProgram git(folder.path());
  SmartHttp http(clock);
  const SyncJob job(
      clock, git,
      [&](const Upstream& upstream, Secret secret, Operation operation) {
        return make_remote(http, git, upstream, std::move(secret), std::move(operation));
      },
      milliseconds{});
  auto exit = Exit::ok;
  for (const auto& policy : choose_policies(config, names)) {
    try {
      const auto& repo = *config.repo(policy.repo);
      const auto refs = job.plan(request_of(policy, Priority::manual), repo);
      tell_if_absent(policy, repo);
      if (json) {
        fmt::print("{}\n",
                   nlohmann::ordered_json{{"policy", policy.name}, {"stats", stats_json(refs)}}.dump());
      } else {
        print_plan(policy, refs);
      }
    } catch (const Error& error) {
      print_failure(policy, error.failure());
      exit = Exit::sync_failed;
    }
  }
  return exit;
}

}  // namespace

void add_plan(CLI::App& app, Parsed& parsed) {
  struct Options {
    std::vector<std::string> policies;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  auto* command =
      app.add_subcommand("plan", "Show what a sync would do to each ref, and why; writes nothing");
  command->add_option("POLICY", options->policies, "Policies to plan (default: all)");
  command->add_flag("--json", options->json, "Print one JSON object a policy");
  add_config_option(*command, parsed);
  command->callback([&parsed, options] {
    parsed.action = [&parsed, options] { return plan(parsed, options->policies, options->json); };
  });
}

}  // namespace refsyncd
