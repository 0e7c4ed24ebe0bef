#include "git/environment.h"

#include <fmt/format.h>

namespace refsyncd {

namespace {

/// A value as it stands between the quotes of a configuration file.
std::string escaped(std::string_view value) {
  std::string text;
  for (const char c : value) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return text;
}

}  // namespace

Settings safe_settings() {
  return {
      // Nothing a repository brings along is executed.
      {"core.hooksPath", "/dev/null"},
      {"core.fsmonitor", "false"},
      {"core.pager", ""},
      {"core.askPass", ""},
      {"core.gitProxy", "none"},
      // What git does unless it is set; empty, it would name an alternate's objects to nobody.
      {"core.alternateRefsCommand",
       "alternate() { git --git-dir=\"$1\" for-each-ref --format='%(objectname)'; }; alternate"},
      {"credential.helper", ""},
      {"init.templateDir", ""},
      {"safe.bareRepository", "explicit"},
      {"fetch.recurseSubmodules", "false"},
      {"submodule.recurse", "false"},
      {"push.recurseSubmodules", "no"},
      {"push.gpgSign", "false"},
      // No way out but the one transport that git_environment() allows, and no credentials where they can be
      // seen.
      {"protocol.allow", "never"},
      {"transfer.bundleURI", "false"},
      {"transfer.credentialsInUrl", "die"},
      {"credential.useHttpPath", "true"},
      {"credential.protectProtocol", "true"},
      {"sideband.allowControlCharacters", "false"},
      // What is received is checked; three faults that old, harmless histories are full of are let through.
      {"transfer.fsckObjects", "true"},
      {"fetch.fsckObjects", "true"},
      {"receive.fsckObjects", "true"},
      {"fetch.fsck.zeroPaddedFilemode", "ignore"},
      {"fetch.fsck.missingSpaceBeforeDate", "ignore"},
      {"fetch.fsck.badTimezone", "ignore"},
      {"receive.fsck.zeroPaddedFilemode", "ignore"},
      {"receive.fsck.missingSpaceBeforeDate", "ignore"},
      {"receive.fsck.badTimezone", "ignore"},
      // One pack a transfer: one file to make durable, one to clean up.
      {"fetch.unpackLimit", "1"},
      {"transfer.unpackLimit", "1"},
      {"core.fsync", "all"},
      // Bounded memory. Blobs above the threshold are streamed.
      {"core.bigFileThreshold", "16m"},
      {"pack.windowMemory", "64m"},
      {"pack.deltaCacheSize", "64m"},
      {"pack.threads", "2"},
      // Only we decide when a repository is tidied.
      {"gc.auto", "0"},
      {"gc.autoDetach", "false"},
      {"maintenance.auto", "false"},
      {"receive.autogc", "false"},
      {"fetch.writeCommitGraph", "false"},
      // Nothing happens to refs that were not named.
      {"fetch.prune", "false"},
      {"fetch.pruneTags", "false"},
      {"push.followTags", "false"},
      {"push.default", "nothing"},
      {"advice.pushUpdateRejected", "false"},
  };
}

std::string as_config_file(const Settings& settings) {
  std::string text;
  for (const auto& [key, value] : settings) {
    const auto first = key.find('.');
    const auto last = key.rfind('.');
    const auto section = key.substr(0, first);
    const auto subsection =
        first == last ? "" : fmt::format(" \"{}\"", key.substr(first + 1, last - first - 1));
    text += fmt::format("[{}{}]\n\t{} = \"{}\"\n", section, subsection, key.substr(last + 1), escaped(value));
  }
  return text;
}

std::vector<std::string> git_environment(const std::filesystem::path& state_dir,
                                         const std::filesystem::path& repository, std::string_view protocol,
                                         const Settings& settings) {
  std::vector<std::string> environment{
      "PATH=/usr/local/bin:/usr/bin:/bin",
      "LC_ALL=C",
      "TZ=UTC",
      fmt::format("HOME={}", (state_dir / "home").string()),
      fmt::format("XDG_CONFIG_HOME={}", (state_dir / "home").string()),
      "GIT_CONFIG_NOSYSTEM=1",
      // The settings a second time: git hides GIT_CONFIG_COUNT from the receive-pack of a local destination.
      fmt::format("GIT_CONFIG_GLOBAL={}", (state_dir / "gitconfig").string()),
      fmt::format("GIT_ALLOW_PROTOCOL={}", protocol),
      "GIT_PROTOCOL_FROM_USER=0",
      "GIT_TERMINAL_PROMPT=0",
      "GIT_ASKPASS=/bin/false",
      "SSH_ASKPASS=/bin/false",
      "SSH_ASKPASS_REQUIRE=never",
      "GIT_SSH_VARIANT=ssh",
      "GIT_NO_LAZY_FETCH=1",
      "GIT_NO_REPLACE_OBJECTS=1",
      "GIT_ATTR_NOSYSTEM=1",
      "GIT_OPTIONAL_LOCKS=0",
      "GIT_ADVICE=0",
      fmt::format("GIT_CONFIG_COUNT={}", settings.size()),
  };
  for (size_t i = 0; i < settings.size(); ++i) {
    environment.push_back(fmt::format("GIT_CONFIG_KEY_{}={}", i, settings[i].key));
    environment.push_back(fmt::format("GIT_CONFIG_VALUE_{}={}", i, settings[i].value));
  }
  if (!repository.empty()) environment.push_back(fmt::format("GIT_DIR={}", repository.string()));
  return environment;
}

std::string shell_quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

}  // namespace refsyncd
