#include "agent/once.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "agent/signals.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "contract/sync_json.h"

namespace refsyncd {
namespace {

using Status = OnceResult::Status;

/// What is interrupted has not completed, whatever becomes of it later.
std::string_view word(Status status) {
  switch (status) {
    case Status::completed: return "completed";
    case Status::interrupted:
    case Status::failed: return "failed";
  }
  return "";
}

void print_json(const std::vector<OnceResult>& results) {
  for (const auto& result : results) {
    auto syncs = nlohmann::json::array();
    for (const auto& sync : result.syncs) syncs.push_back(to_json_value(sync));
    const nlohmann::ordered_json object{
        {"policy", result.policy}, {"status", word(result.status)}, {"syncs", syncs}};
    fmt::print("{}\n", object.dump());
  }
}

void tell_interrupted(const std::vector<OnceResult>& results, Progress& progress) {
  std::vector<std::string_view> names;
  for (const auto& result : results) {
    if (result.status == Status::interrupted) names.push_back(result.policy);
  }
  if (names.empty()) return;
  progress.line(fmt::format("refsyncd: interrupted; {} {} on at the next start", fmt::join(names, ", "),
                            names.size() == 1 ? "goes" : "go"));
}

Exit once(const Parsed& parsed, const std::vector<std::string>& names, bool json) {
  auto config = read_config(parsed);
  std::vector<std::string> wanted;
  for (const auto& policy : choose_policies(config, names)) wanted.push_back(policy.name);

  const SystemClock clock;
  Signals signals;
  Once once(wanted);
  Progress progress;
  Observers observers;
  observers.add(once);
  observers.add(progress);
  Engine engine(config.service, clock, observers,
                [](const Failure& failure) { fmt::print(stderr, "refsyncd: {}\n", failure.message); });
  bool stop = false;
  signals.watch(
      engine.loop(), [&] { stop = true; }, [] {});
  once.run(engine, std::move(config), [&] { return stop; });

  const auto results = once.results();
  tell_interrupted(results, progress);
  if (json) print_json(results);
  const bool all = std::all_of(results.begin(), results.end(),
                               [](const OnceResult& r) { return r.status == Status::completed; });
  return all ? Exit::ok : Exit::sync_failed;
}

}  // namespace

void add_once(CLI::App& app, Parsed& parsed) {
  struct Options {
    std::vector<std::string> policies;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  auto* command =
      app.add_subcommand("once", "Run policies now, with their retries, and exit 0 if all completed");
  command->add_option("POLICY", options->policies, "Policies to run (default: all)");
  command->add_flag("--json", options->json,
                    "Print one JSON object a policy on stdout, and nothing else there");
  add_config_option(*command, parsed);
  command->callback([&parsed, options] {
    parsed.action = [&parsed, options] { return once(parsed, options->policies, options->json); };
  });
}

}  // namespace refsyncd
