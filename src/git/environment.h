#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace refsyncd {

/// One Git configuration setting; `key` is "section.name" or "section.subsection.name".
struct Setting {
  std::string key;
  std::string value;
};
using Settings = std::vector<Setting>;

/// What every git child of ours is configured with: no hooks, no helpers, no automatic maintenance, every
/// received object checked, everything written made durable.
Settings safe_settings();

/// The settings in the syntax of a Git configuration file.
std::string as_config_file(const Settings& settings);

/// The environment of a git child, built from nothing. `state_dir` holds the global configuration and the
/// empty home (see GitProgram); `repository` becomes GIT_DIR unless empty; `protocol` is the one transport
/// git may use, "none" for no transport at all. The settings override every configuration file, the
/// repository's included; a later one overrides an earlier.
std::vector<std::string> git_environment(const std::filesystem::path& state_dir,
                                         const std::filesystem::path& repository, std::string_view protocol,
                                         const Settings& settings);

/// Text as one word for the shell.
std::string shell_quoted(std::string_view text);

}  // namespace refsyncd
