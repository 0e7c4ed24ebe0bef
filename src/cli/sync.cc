#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/control_socket.h"
#include "cli/progress.h"
#include "contract/sync_json.h"
#include "report/wording.h"

namespace refsyncd {
namespace {

struct Options {
  std::string repo;
  std::string direction;
  std::vector<std::string> branches;
  std::vector<std::string> tags;
  bool wait = false;
  bool json = false;
};

void check(const std::vector<std::string>& globs) {
  for (const auto& glob : globs) {
    const auto problem = glob_problem(glob);
    if (!problem.empty()) throw UsageError(fmt::format("the glob '{}' {}", printable(glob, 100), problem));
  }
}

SyncRequest request(const Options& options) {
  check(options.branches);
  check(options.tags);
  SyncRequest request;
  request.repo = options.repo;
  request.direction = *direction_from(options.direction);
  if (!options.branches.empty() || !options.tags.empty()) {
    request.globs = {.branches = options.branches, .tags = options.tags};
  }
  return request;
}

Sync ask(ControlClient& agent, const SyncRequest& request) try {
  return agent.enqueue(request);
} catch (const Error& error) {
  if (error.kind() == ErrorKind::not_found) throw UsageError(error.what());
  throw;
}

/// The sync as it is now. An agent that stops breaks a call off; the next one finds nobody.
std::optional<Sync> look(ControlClient& agent, const std::string& id) {
  try {
    return agent.sync(id);
  } catch (const NobodyListens&) {
    throw;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::transient) throw;
  }
  std::this_thread::sleep_for(std::chrono::seconds(1));
  return agent.sync(id);
}

/// Asks until the sync is over, more and more slowly. A sync that is not over then was left by its agent.
Sync follow(ControlClient& agent, Sync sync) try {
  auto pause = std::chrono::milliseconds(20);
  while (!sync.terminal()) {
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 3 / 2, std::chrono::milliseconds(1000));
    auto now = look(agent, sync.id);
    if (!now) throw Error(ErrorKind::internal, fmt::format("the agent has lost sync {}", sync.id));
    sync = std::move(*now);
  }
  return sync;
} catch (const NobodyListens&) {
  return sync;
}

void print_text(const Sync& sync) {
  fmt::print("{} {} {}\n", sync.id, title(sync), to_string(sync.status));
  if (sync.failure) fmt::print("  {}: {}\n", to_string(sync.failure->kind), sync.failure->message);
  if (!sync.refs) return;
  fmt::print("  {}\n", describe(count(*sync.refs)));
  for (const auto& ref : *sync.refs) {
    if (ref.outcome != Outcome::unchanged) fmt::print("  {}\n", printable(describe(ref)));
  }
}

Exit sync(const Parsed& parsed, const Options& options) {
  auto agent = running_agent(parsed);
  auto sync = ask(agent, request(options));
  if (options.wait) sync = follow(agent, std::move(sync));
  if (options.json) {
    fmt::print("{}\n", to_json_value(sync).dump());
  } else {
    print_text(sync);
  }
  if (options.wait && !sync.terminal()) {
    throw NobodyListens(fmt::format(
        "the agent stopped before sync {} ended; it is kept, goes on when the agent starts again, and "
        "`refsyncd history` tells how it ended",
        sync.id));
  }
  return sync.status == SyncStatus::failed ? Exit::sync_failed : Exit::ok;
}

}  // namespace

void add_sync(CLI::App& app, Parsed& parsed) {
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("sync",
                                     "Ask the running agent for a sync of a repository: of the refs that the "
                                     "globs say, whatever policies exclude, force or prune");
  command->add_option("REPO", options->repo, "Repository name")->required();
  command->add_option("--direction", options->direction, "pull or push")
      ->required()
      ->check(CLI::IsMember({"pull", "push"}));
  command
      ->add_option("--branches", options->branches,
                   "A branch glob; again for one more (default: all branches and tags)")
      ->allow_extra_args(false);
  command->add_option("--tags", options->tags, "A tag glob; again for one more")->allow_extra_args(false);
  command->add_flag("--wait", options->wait, "Wait for its end; exit 1 when it failed");
  command->add_flag("--json", options->json, "Print the sync as JSON");
  add_agent_options(*command, parsed);
  command->callback(
      [&parsed, options] { parsed.action = [&parsed, options] { return sync(parsed, *options); }; });
}

}  // namespace refsyncd
