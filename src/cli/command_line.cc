#include "cli/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "base/allocator.h"
#include "base/file.h"
#include "base/text.h"
#include "base/version.h"
#include "cli/commands.h"
#include "cli/control_socket.h"
#include "cli/print.h"

namespace refsyncd {
namespace {

constexpr auto description =
    "refsyncd keeps Git repositories in sync with their upstreams, on a schedule.\n"
    "`refsyncd run` is the agent; `once`, `plan` and `check` work without one; the others talk to a running "
    "agent.";
constexpr auto footer =
    "Exit codes: 0 ok, 1 a sync failed, 2 wrong usage, 69 no agent answers, 70 other errors,\n"
    "            75 the data directory is in use by another agent, 78 bad configuration.";

Exit fail(Exit code, const std::string& message) {
  tell(fmt::format("refsyncd: {}\n", message));
  return code;
}

Exit run_action(const Action& action) {
  try {
    return action();
  } catch (const ConfigError& error) {
    tell(fmt::format("{}\n", error.what()));
    return Exit::bad_config;
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

/// What somebody wanted to read may still wait in the stream, or have been lost in it.
Exit end_output(Exit exit) {
  errno = 0;
  const bool written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  if (written) return exit;
  const auto why = errno == 0 ? "" : ": " + std::generic_category().message(errno);
  return fail(Exit::failed, "the output could not be written" + why);
}

/// CLI11 misses a command, and says nothing of the word that stands where one should.
void tell_unknown_command(const CLI::App& app, const std::string& word) {
  std::vector<std::string_view> known;
  for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    known.push_back(command->get_name());
  }
  tell(fmt::format("refsyncd: there is no command '{}'{}\nRun with --help for more information.\n",
                   printable(word, 100), suggestion(word, known)));
}

Exit tell_usage(const CLI::App& app, const CLI::ParseError& error) {
  const auto unused = app.remaining();
  const bool unknown_command =
      app.get_subcommands().empty() && !unused.empty() && !unused[0].starts_with('-');
  if (unknown_command && error.get_exit_code() != 0) {
    tell_unknown_command(app, unused[0]);
    return Exit::usage;
  }
  return app.exit(error) == 0 ? Exit::ok : Exit::usage;
}

}  // namespace

void add_config_option(CLI::App& app, Parsed& parsed) {
  app.add_option("-c,--config", parsed.config_file, "Configuration file")->capture_default_str();
}

void add_agent_options(CLI::App& app, Parsed& parsed) {
  add_config_option(app, parsed);
  app.add_option("--socket", parsed.socket, "Control socket of the running agent (default: as configured)");
}

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
      throw UsageError(fmt::format("there is no policy '{}' in {}{}", name, config.file.string(),
                                   suggestion(name, known)));
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
  raise_file_limit();
  CLI::App app(description, "refsyncd");
  Parsed parsed;
  app.set_version_flag("--version", fmt::format("refsyncd {}", version));
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(footer);
  add_agent_options(app, parsed);
  for (auto* add : {add_run, add_once, add_plan, add_check, add_status, add_sync, add_history, add_reload}) {
    add(app, parsed);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return static_cast<int>(end_output(tell_usage(app, error)));
  }
  return static_cast<int>(end_output(run_action(parsed.action)));
}

}  // namespace refsyncd
