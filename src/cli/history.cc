#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/control_socket.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "contract/sync_json.h"
#include "report/wording.h"

namespace refsyncd {
namespace {

std::string took(const Sync& sync) {
  return sync.started_at && sync.finished_at ? rough_duration(*sync.finished_at - *sync.started_at) : "";
}

std::string result(const Sync& sync) {
  if (sync.failure) return fmt::format("{}: {}", to_string(sync.failure->kind), sync.failure->message);
  return sync.refs ? describe(count(*sync.refs)) : "";
}

/// An empty answer for a name that no policy knows, or an id that no sync has, is more likely a slip than a
/// history.
void check_known(ControlClient& agent, const SyncQuery& query) {
  if (!query.before_id.empty() && !agent.sync(query.before_id)) {
    throw UsageError(
        fmt::format("there is no sync '{}', or it is no longer kept", printable(query.before_id, 100)));
  }
  if (query.repo.empty()) return;
  const auto policies = agent.status();
  std::vector<std::string_view> known;
  for (const auto& policy : policies) known.push_back(policy.repo);
  if (std::find(known.begin(), known.end(), query.repo) != known.end()) return;
  throw UsageError(fmt::format("there is no repository '{}'{}", query.repo, suggestion(query.repo, known)));
}

/// The agent may give less at a time than asked for, when its syncs hold many refs.
std::vector<Sync> all_of(ControlClient& agent, SyncQuery query) {
  std::vector<Sync> all;
  while (query.limit > 0) {
    auto some = agent.history(query);
    if (some.empty()) break;
    query.limit -= std::min(query.limit, some.size());
    query.before_id = some.back().id;
    std::move(some.begin(), some.end(), std::back_inserter(all));
  }
  return all;
}

Exit history(const Parsed& parsed, const SyncQuery& query, bool json) {
  auto agent = running_agent(parsed);
  const auto syncs = all_of(agent, query);
  if (syncs.empty()) check_known(agent, query);
  if (json) {
    for (const auto& sync : syncs) fmt::print("{}\n", to_json_value(sync).dump());
    return Exit::ok;
  }
  std::vector<std::vector<std::string>> rows{
      {"CREATED (UTC)", "ID", "WHAT", "STATUS", "ATTEMPT", "TOOK", "RESULT"}};
  for (const auto& sync : syncs) {
    rows.push_back({describe_time(sync.created_at), sync.id, title(sync), std::string(to_string(sync.status)),
                    std::to_string(sync.attempt), took(sync), result(sync)});
  }
  fmt::print("{}", table(rows));
  return Exit::ok;
}

}  // namespace

void add_history(CLI::App& app, Parsed& parsed) {
  struct Options {
    SyncQuery query;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("history", "List the running agent's syncs, newest first");
  command->add_option("REPO", options->query.repo, "Only of this repository");
  command->add_option("--limit", options->query.limit, "How many")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--before", options->query.before_id, "Only those older than this sync's id");
  command->add_flag("--json", options->json, "Print one sync as JSON a line, in full");
  add_agent_options(*command, parsed);
  command->callback([&parsed, options] {
    parsed.action = [&parsed, options] { return history(parsed, options->query, options->json); };
  });
}

}  // namespace refsyncd
