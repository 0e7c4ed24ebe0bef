#include "git/program.h"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "git/environment.h"

namespace refsyncd {
namespace {

constexpr std::pair<int, int> oldest{2, 34};

std::string find_git() {
  for (const std::string_view folder : {"/usr/local/bin", "/usr/bin", "/bin"}) {
    auto candidate = fmt::format("{}/git", folder);
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  throw Error(ErrorKind::bad_config, "git is not installed: found none in /usr/local/bin, /usr/bin or /bin");
}

/// Major and minor of "git version 2.39.5 (vendor)"; zeroes for anything else.
std::pair<int, int> version_numbers(std::string_view version) {
  std::pair<int, int> numbers{0, 0};
  const auto parts = split(version, '.');
  if (parts.size() < 2) return numbers;
  std::from_chars(parts[0].data(), parts[0].data() + parts[0].size(), numbers.first);
  std::from_chars(parts[1].data(), parts[1].data() + parts[1].size(), numbers.second);
  return numbers;
}

std::string usable_version(const Finished& finished) {
  constexpr std::string_view prefix = "git version ";
  const auto said = trim(finished.output);
  if (!finished.ok() || !said.starts_with(prefix))
    throw classify_git_failure(finished, "asking git for its version");
  const auto version = said.substr(prefix.size());
  if (version_numbers(version) < oldest) {
    throw Error(ErrorKind::bad_config, fmt::format("git {} is too old: install {}.{} or newer",
                                                   printable(version), oldest.first, oldest.second));
  }
  return std::string(version);
}

}  // namespace

GitProgram::GitProgram(const std::filesystem::path& state_dir)
    : state_dir_(std::filesystem::absolute(state_dir)), git_(find_git()) {
  for (const auto& folder : {state_dir_, state_dir_ / "home"}) {
    std::error_code problem;
    std::filesystem::create_directories(folder, problem);
    if (!problem) std::filesystem::permissions(folder, std::filesystem::perms::owner_all, problem);
    if (problem) {
      throw Error(ErrorKind::bad_config, fmt::format("creating {}: {}", folder.string(), problem.message()));
    }
  }
  write_file(state_dir_ / "gitconfig", as_config_file(safe_settings()), 0400);
  version_ = usable_version(run({}, {"--version"}, {}));
}

bool GitProgram::can_pin_hosts() const { return version_numbers(version_) >= std::pair(2, 37); }

Finished GitProgram::run(const std::filesystem::path& repository, std::vector<std::string> arguments,
                         const Operation& operation, std::string input) const {
  auto child = command(repository, std::move(arguments), operation);
  child.input = std::move(input);
  return run_command(child);
}

Command GitProgram::command(const std::filesystem::path& repository, std::vector<std::string> arguments,
                            const Operation& operation, const Settings& more) const {
  auto settings = safe_settings();
  settings.insert(settings.end(), more.begin(), more.end());
  auto command = prepare(std::move(arguments), operation);
  command.environment = git_environment(state_dir_, repository, "none", settings);
  command.environment.push_back("GIT_SSH_COMMAND=/bin/false");
  return command;
}

Command GitProgram::prepare(std::vector<std::string> arguments, const Operation& operation) const {
  Command command{.arguments = std::move(arguments), .deadline = operation.deadline, .stop = operation.stop};
  command.arguments.insert(command.arguments.begin(), git_);
  return command;
}

}  // namespace refsyncd
