#pragma once
#include <string>
#include <vector>

#include "config/config.h"

namespace refsyncd {

/// Parses text as the file /etc/refsyncd/config.yaml.
inline Config parse(const std::string& text, const Environment& environment = {}) {
  return parse_config(text, "/etc/refsyncd/config.yaml", environment);
}

/// The mistakes found in a text, each as "line:column: message"; none when it is good.
inline std::vector<std::string> mistakes(const std::string& text, const Environment& environment = {}) {
  std::vector<std::string> found;
  try {
    parse(text, environment);
  } catch (const ConfigError& error) {
    for (const auto& problem : error.problems()) {
      found.push_back(std::to_string(problem.line) + ":" + std::to_string(problem.column) + ": " +
                      problem.message);
    }
  }
  return found;
}

/// A first line that defines the repository `app`, for texts whose point is something else.
inline const std::string app = "repos: {app: {upstream: {url: 'https://git.example.com/team/app.git'}}}\n";

}  // namespace refsyncd
