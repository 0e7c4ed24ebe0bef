#pragma once
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace refsyncd {

/// One program to run. No shell is involved, and nothing is inherited: the environment is exactly
/// `environment`, the open files are stdin, stdout and stderr.
struct Command {
  std::vector<std::string> arguments = {};    ///< [0] is the program's absolute path
  std::vector<std::string> environment = {};  ///< "NAME=value"; passed whole, so it may carry secrets
  std::string directory = "/";                ///< working directory
  std::string input = {};                     ///< what stdin holds
  int input_descriptor = -1;                  ///< when set, stdin instead of `input`; stays the caller's
  SteadyTime deadline = SteadyTime::max();
  std::stop_token stop = {};       ///< a request ends the program early
  size_t output_limit = 64 << 20;  ///< bytes of stdout; more ends the program
  size_t error_limit = 64 << 10;   ///< bytes of stderr kept (the last ones)
  /// No file grows past so many bytes (RLIMIT_FSIZE; 0 = none). Writing on fails with EFBIG, and not with a
  /// signal: the program can say so.
  uint64_t file_size_limit = 0;
  /// When set, is asked about once a second; false ends the program like a stop request.
  std::function<bool()> may_go_on = {};
  std::function<void(std::string_view)> on_error_line =
      {};  ///< when set, gets each stderr line (split at \n or \r)
};

/// How a program ended.
enum class Ending { exited, signalled, timed_out, stopped, output_too_large };

struct Finished {
  Ending ending = Ending::exited;
  int code = 0;  ///< exit code, or the signal's number
  std::string output = {};
  std::string error = {};  ///< the kept end of stderr, raw
  milliseconds took{};     ///< from its start to its end

  bool ok() const { return ending == Ending::exited && code == 0; }
};

/// Runs a program in its own session (setsid) and process group, with PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS
/// and RLIMIT_CORE=0, default signals and an empty signal mask, and waits for its end. On deadline or stop
/// the whole group gets SIGTERM, and SIGKILL 2 s later. No member of the group outlives the call. Throws
/// Error(internal) when the program cannot be started. Safe from any thread. The calling process becomes the
/// reaper of orphans (PR_SET_CHILD_SUBREAPER), which makes that certain.
Finished run_command(const Command& command);

}  // namespace refsyncd
