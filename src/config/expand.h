#pragma once
#include <string>
#include <string_view>

#include "config/config.h"

namespace refsyncd {

/// A text after its variables were put in, or why that failed.
struct Expanded {
  std::string text;
  std::string problem;  ///< what is wrong and what to write; "" = nothing
  size_t offset = 0;    ///< where in the text the problem stands
};

/// Replaces each ${NAME} by the environment variable. $${ stands for ${; any other '$' is itself.
Expanded expand(std::string_view text, const Environment& environment);

/// True for a name that an environment variable can have: letters, digits and '_', no digit first.
bool is_variable_name(std::string_view name);

/// True when the text holds control characters, or what looks like a line break or hides text in a terminal.
bool holds_control(std::string_view text);

/// The path made absolute from a folder and normalised; no trailing slash.
std::string absolute_path(const std::filesystem::path& folder, std::string_view path);

}  // namespace refsyncd
