#include "cli/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "base/allocator.h"
#include "base/file.h"
#include "base/text.h"
#include "base/version.h"
#include "cli/commands.h"
#include "cli/control_socket.h"

namespace refsyncd {
namespace {

constexpr auto description =
    "refsyncd keeps Git repositories in sync with their upstreams, on a schedule.\n"
    "`refsyncd run` is the agent; `once`, `plan` and `check` work without one; the others talk to a running "
    "agent.";
constexpr auto footer =
    "Exit codes: 0 ok, 1 a sync failed, 2 wrong usage, 69 no agent answers, 70 other errors,\n"
    "            75 the data directory is in use by another agent, 78 bad configuration.";

int run_action(const Action& action) {
  const auto fail = [](Exit code, const std::string& message) {
    const auto line = fmt::format("refsyncd: {}\n", message);
    std::fwrite(line.data(), 1, line.size(), stderr);  // no exception when nobody reads
    return static_cast<int>(code);
  };
  try {
    return static_cast<int>(action());
  } catch (const ConfigError& error) {
    fmt::print(stderr, "{}\n", error.what());
    return static_cast<int>(Exit::bad_config);
  } catch (const UsageError& error) {
    return fail(Exit::usage, error.what());
  } catch (const LockHeld& error) {
    return fail(Exit::in_use, error.what());
  } catch (const NobodyListens& error) {
    return fail(Exit::unavailable, error.what());
  } catch (const Error& error) {
    return fail(error.kind() == ErrorKind::bad_config ? Exit::bad_config : Exit::failed, error.what());
  } catch (const std::exception& error) {
    return fail(Exit::failed, error.what());
  }
}

}  // namespace

ControlClient running_agent(const Parsed& parsed) {
  return ControlClient(parsed.socket.empty() ? find_control_socket(parsed.config_file, process_environment())
                                             : parsed.socket);
}

Config read_config(const Parsed& parsed) { return load_config(parsed.config_file, process_environment()); }

std::vector<Policy> choose_policies(const Config& config, const std::vector<std::string>& names) {
  if (names.empty()) return config.policies;
  std::vector<std::string_view> known;
  for (const auto& policy : config.policies) known.push_back(policy.name);
  std::vector<Policy> chosen;
  for (const auto& name : names) {
    const auto found = std::find(known.begin(), known.end(), name);
    if (found == known.end()) {
      const auto near = nearest(name, known);
      throw UsageError(fmt::format("there is no policy '{}' in {}{}", name, config.file.string(),
                                   near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
    }
    const auto& policy = config.policies[static_cast<size_t>(found - known.begin())];
    const bool repeated =
        std::any_of(chosen.begin(), chosen.end(), [&](const Policy& p) { return p.name == name; });
    if (!repeated) chosen.push_back(policy);
  }
  return chosen;
}

int command_line(int argc, char** argv) {
  keep_freed_memory();
  CLI::App app(description, "refsyncd");
  Parsed parsed;
  app.set_version_flag("--version", fmt::format("refsyncd {}", version));
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(footer);
  app.add_option("-c,--config", parsed.config_file, "Configuration file")->capture_default_str();
  app.add_option("--socket", parsed.socket, "Control socket of the running agent (default: as configured)");
  for (auto* add : {add_run, add_once, add_plan, add_check, add_status, add_sync, add_history, add_reload}) {
    add(app, parsed);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? static_cast<int>(Exit::ok) : static_cast<int>(Exit::usage);
  }
  return run_action(parsed.action);
}

}  // namespace refsyncd
