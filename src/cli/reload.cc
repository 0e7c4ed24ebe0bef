#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/control_socket.h"

namespace refsyncd {
namespace {

Exit reload(const Parsed& parsed) {
  const auto result = running_agent(parsed).reload();
  if (result.ok) {
    fmt::print("reloaded {}\n", parsed.config_file.string());
    return Exit::ok;
  }
  fmt::print(stderr, "{}\nnothing was changed\n", result.problem);
  return Exit::bad_config;
}

}  // namespace

void add_reload(CLI::App& app, Parsed& parsed) {
  auto* command = app.add_subcommand("reload", "Make the running agent read its configuration again");
  add_agent_options(*command, parsed);
  command->callback([&parsed] { parsed.action = [&parsed] { return reload(parsed); }; });
}

}  // namespace refsyncd
