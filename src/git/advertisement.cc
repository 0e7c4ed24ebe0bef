#include "git/advertisement.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "git/libgit2.h"

namespace refsyncd {
namespace {

constexpr std::string_view branches = "refs/heads/";
constexpr std::string_view tags = "refs/tags/";

[[noreturn]] void not_understood(std::string_view line) {
  throw Error(ErrorKind::internal, fmt::format("git said something unexpected: '{}'", printable(line, 200)));
}

ObjectId parse_id(std::string_view digits, std::string_view line) {
  if (digits.size() == 64) {
    throw Error(ErrorKind::bad_config,
                "the upstream uses SHA-256 object ids; only SHA-1 repositories are supported");
  }
  const auto id = ObjectId::from_hex(digits);
  if (!id) not_understood(line);
  return *id;
}

void parse_line(std::string_view line, Advertisement& advertisement) {
  const auto tab = line.find('\t');
  if (tab == std::string_view::npos) not_understood(line);
  const auto value = line.substr(0, tab);
  const auto name = line.substr(tab + 1);
  constexpr std::string_view symbolic = "ref: ";
  if (value.starts_with(symbolic)) {
    const std::string target(value.substr(symbolic.size()));
    if (name == "HEAD" && target.starts_with(branches) && is_valid_ref_name(target))
      advertisement.head_target = target;
    return;
  }
  const auto id = parse_id(value, line);
  const bool wanted = name.starts_with(branches) || name.starts_with(tags);
  if (wanted && is_valid_ref_name(std::string(name))) advertisement.refs.push_back({std::string(name), id});
}

/// The ref a FETCH_HEAD note tells of: "branch 'main' of URL", "tag 'v1' of URL". No ref name holds a space.
std::string noted_ref(std::string_view note) {
  constexpr std::pair<std::string_view, std::string_view> kinds[] = {{"branch '", branches}, {"tag '", tags}};
  for (const auto& [start, prefix] : kinds) {
    if (!note.starts_with(start)) continue;
    note.remove_prefix(start.size());
    const auto end = note.find("' of ");
    if (end != std::string_view::npos) return std::string(prefix) + std::string(note.substr(0, end));
  }
  return {};
}

}  // namespace

Advertisement parse_ls_remote(std::string_view output, size_t max_refs) {
  Advertisement advertisement;
  while (!output.empty()) {
    const auto end = output.find('\n');
    parse_line(output.substr(0, end), advertisement);
    if (advertisement.refs.size() > max_refs) {
      throw Error(ErrorKind::bad_config,
                  fmt::format("the upstream has more than {} branches and tags", max_refs));
    }
    output.remove_prefix(end == std::string_view::npos ? output.size() : end + 1);
  }
  auto& refs = advertisement.refs;
  std::sort(refs.begin(), refs.end());
  const auto same_name = [](const RefValue& a, const RefValue& b) { return a.name == b.name; };
  refs.erase(std::unique(refs.begin(), refs.end(), same_name), refs.end());
  return advertisement;
}

std::vector<RefValue> parse_fetch_head(std::string_view text) {
  std::vector<RefValue> refs;
  for (const auto line : split(text, '\n')) {
    if (line.empty()) continue;
    const auto fields = split(line, '\t');
    if (fields.size() < 3) not_understood(line);
    const auto name = noted_ref(fields[2]);
    if (name.empty()) not_understood(line);
    refs.push_back({name, parse_id(fields[0], line)});
  }
  std::sort(refs.begin(), refs.end());
  return refs;
}

}  // namespace refsyncd
