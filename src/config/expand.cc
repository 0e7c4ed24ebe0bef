#include "config/expand.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace refsyncd {
namespace {

/// True for an absolute path that is written as plainly as it can be. Most are, and std::filesystem::path
/// would leave the heap full of holes over a hundred thousand of them.
bool is_normal(std::string_view path) {
  return path.size() > 1 && path.starts_with('/') && !path.ends_with('/') && !path.ends_with("/.") &&
         !path.ends_with("/..") && path.find("//") == path.npos && path.find("/./") == path.npos &&
         path.find("/../") == path.npos;
}

}  // namespace

bool is_variable_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; };
  return !name.empty() && letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

Expanded expand(std::string_view text, const Environment& environment) {
  Expanded result;
  for (size_t at = 0; at < text.size();) {
    const auto rest = text.substr(at);
    if (rest.starts_with("$${")) {
      result.text += "${";
      at += 3;
      continue;
    }
    if (!rest.starts_with("${")) {
      result.text += rest.front();
      ++at;
      continue;
    }
    const auto name = rest.substr(2, std::max<size_t>(std::min(rest.find('}'), rest.size()), 2) - 2);
    if (name.size() + 2 == rest.size() || !is_variable_name(name)) {
      return {{}, "'${' begins a variable: write ${NAME}, or $${ for the characters themselves", at};
    }
    const auto variable = environment.find(std::string(name));
    if (variable == environment.end()) {
      return {{},
              fmt::format("the environment variable {} is not set; set it, or write the value here", name),
              at};
    }
    result.text += variable->second;
    at += name.size() + 3;
  }
  return result;
}

bool holds_control(std::string_view text) { return printable(text, text.size() + 1) != text; }

std::string absolute_path(const std::filesystem::path& folder, std::string_view path) {
  if (is_normal(path)) return std::string(path);
  auto normal = (folder / path).lexically_normal();
  if (!normal.has_filename() && normal.has_relative_path()) normal = normal.parent_path();
  return normal.string();
}

}  // namespace refsyncd
