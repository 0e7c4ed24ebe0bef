#pragma once
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "config/config.h"

namespace CLI {
class App;
}

namespace refsyncd {

/// How the program ends. Scripts and systemd rely on these.
enum class Exit : int {
  ok = 0,
  sync_failed = 1,   ///< once, sync --wait: a sync failed, or once was interrupted
  usage = 2,         ///< the command line is wrong
  unavailable = 69,  ///< no agent answers on the control socket (sysexits EX_UNAVAILABLE)
  failed = 70,       ///< anything else went wrong (EX_SOFTWARE), stdout that takes nothing included
  in_use = 75,       ///< another agent uses the data directory (EX_TEMPFAIL)
  bad_config = 78,   ///< the configuration is wrong (EX_CONFIG)
};

/// A mistake on the command line that only shows once the configuration is read: an unknown policy ...
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What a subcommand does, chosen by the parser and run afterwards. May throw ConfigError, UsageError and
/// Error.
using Action = std::function<Exit()>;

/// The options all subcommands share, and the action of the chosen one.
struct Parsed {
  std::filesystem::path config_file = "/etc/refsyncd/config.yaml";
  std::filesystem::path socket;  ///< "" = the one the configuration names
  Action action;
};

/// --config; and --config with --socket, for commands that talk to a running agent. They may stand before the
/// command or after it.
void add_config_option(CLI::App& app, Parsed& parsed);
void add_agent_options(CLI::App& app, Parsed& parsed);

/// One subcommand a file: each adds itself to the parser, and sets the action when it is chosen.
void add_run(CLI::App& app, Parsed& parsed);
void add_once(CLI::App& app, Parsed& parsed);
void add_plan(CLI::App& app, Parsed& parsed);
void add_check(CLI::App& app, Parsed& parsed);
void add_status(CLI::App& app, Parsed& parsed);
void add_sync(CLI::App& app, Parsed& parsed);
void add_history(CLI::App& app, Parsed& parsed);
void add_reload(CLI::App& app, Parsed& parsed);

/// The configuration a subcommand works with.
Config read_config(const Parsed& parsed);
/// The named policies, or all when none is named. Throws UsageError with the nearest name for an unknown one.
std::vector<Policy> choose_policies(const Config& config, const std::vector<std::string>& names);

}  // namespace refsyncd
