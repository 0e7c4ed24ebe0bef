#include <CLI/CLI.hpp>

#include "agent/agent.h"
#include "cli/commands.h"

namespace refsyncd {

void add_run(CLI::App& app, Parsed& parsed) {
  auto* command = app.add_subcommand("run", "Run the agent: follow the schedule until SIGTERM or Ctrl-C");
  add_config_option(*command, parsed);
  command->callback([&parsed] {
    parsed.action = [&parsed] {
      const SystemClock clock;
      Agent(read_config(parsed), process_environment(), clock).run();
      return Exit::ok;
    };
  });
}

}  // namespace refsyncd
