#pragma once

namespace refsyncd {

/// The whole program: reads the command line, runs the subcommand, and returns the exit code (see
/// cli/commands.h).
int command_line(int argc, char** argv);

}  // namespace refsyncd
