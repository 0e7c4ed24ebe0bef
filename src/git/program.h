#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/secret.h"
#include "base/subprocess.h"
#include "git/environment.h"
#include "git/remote.h"
#include "model/policy.h"

namespace refsyncd {

/// The git program, made safe: every child gets an environment built from nothing, our own configuration, no
/// hooks, no prompts, one allowed transport, its own session, a deadline and output limits. Shared by all
/// threads; immutable.
class GitProgram {
 public:
  /// Finds git (2.34 or newer) on the fixed PATH and writes the global configuration and the empty home that
  /// all children use below `state_dir` (created, mode 0700). Throws Error(bad_config) when git is missing or
  /// too old.
  explicit GitProgram(const std::filesystem::path& state_dir);

  /// Runs `git <arguments>` in a repository ("" for none), with the base environment alone: no transport is
  /// allowed. Never throws for git's own failure: look at Finished.
  Finished run(const std::filesystem::path& repository, std::vector<std::string> arguments,
               const Operation& operation, std::string input = {}) const;

  /// The child that run() would run, to be given more and handed to run_command(). `more` overrides our usual
  /// settings.
  Command command(const std::filesystem::path& repository, std::vector<std::string> arguments,
                  const Operation& operation, const Settings& more = {}) const;

  const std::string& version() const { return version_; }
  /// True when git can be told a host's address (http.curloptResolve, since 2.37).
  bool can_pin_hosts() const;

 private:
  friend class GitProgramRemote;
  Command prepare(std::vector<std::string> arguments, const Operation& operation) const;

  std::filesystem::path state_dir_;
  std::string git_;
  std::string version_;
};

/// A Remote that works through the git program, for every transport. `secret` is the credential's value for
/// token and password authentication (empty otherwise); the caller reads it afresh for each sync. It travels
/// in the child's environment, bound to the upstream's URL.
std::unique_ptr<Remote> make_git_program_remote(const GitProgram& git, const Upstream& upstream,
                                                Secret secret, Operation operation);

/// What a failed git child means, from its output (LC_ALL=C). Pure; the patterns live here alone.
Error classify_git_failure(const Finished& finished, std::string_view doing);

/// True when a fetch left out refs because the upstream is shallow: git warns of it and calls that a success.
bool tells_of_shallow_upstream(const Finished& finished);

/// True when a fetch ended without all that the new refs lead to.
bool tells_of_missing_objects(const Finished& finished);

/// True when the child came to the end of Command::file_size_limit.
bool tells_of_file_size_limit(const Finished& finished);

/// True when a failure classified so tells of HTTP status 503, which may come with a wish to wait.
bool tells_of_status_503(const Failure& failure);

}  // namespace refsyncd
