#include "git/push_report.h"

#include <fmt/format.h>

#include "base/text.h"
#include "git/remote_words.h"

namespace refsyncd {
namespace {

/// "[rejected] (stale info)" -> "stale info"; without parentheses, the text itself.
std::string_view in_parentheses(std::string_view summary) {
  const auto open = summary.find('(');
  if (open == std::string_view::npos || !summary.ends_with(')')) return summary;
  return summary.substr(open + 1, summary.size() - open - 2);
}

/// True when the ref was refused because it is no longer what we expected: git on our side compared
/// ("[rejected]"), or the server lost the race to somebody else while it updated the ref.
bool is_race(std::string_view name, std::string_view summary, std::string_view error) {
  if (summary.starts_with("[rejected]")) return true;
  for (const std::string_view text : {"but expected", "reference already exists", "incorrect old value"}) {
    if (summary.find(text) != std::string_view::npos) return true;
  }
  for (const auto line : split(error, '\n')) {
    if (line.find(fmt::format("cannot lock ref '{}': ", name)) == std::string_view::npos) continue;
    if (line.find("but expected") != std::string_view::npos) return true;
    if (line.find("reference already exists") != std::string_view::npos) return true;
  }
  return false;
}

PushResult refusal(std::string name, std::string_view summary, std::string_view error) {
  const bool raced = is_race(name, summary, error);
  auto detail = printable(in_parentheses(summary), 200);
  if (const auto words = remote_words(error); !raced && !words.empty()) detail += ": " + words;
  return {.name = std::move(name),
          .accepted = false,
          .told = !summary.starts_with("[remote failure]"),
          .reason = raced ? Reason::raced : Reason::remote_refused,
          .detail = std::move(detail)};
}

}  // namespace

std::vector<PushResult> parse_push_report(std::string_view output, std::string_view error) {
  std::vector<PushResult> results;
  for (const auto line : split(output, '\n')) {
    const auto fields = split(line, '\t');
    if (fields.size() < 3 || fields[0].size() != 1) continue;
    const auto colon = fields[1].find(':');
    if (colon == std::string_view::npos) continue;
    std::string name(fields[1].substr(colon + 1));
    if (fields[0] == "!") {
      results.push_back(refusal(std::move(name), fields[2], error));
    } else {
      results.push_back(
          {.name = std::move(name), .accepted = true, .told = true, .reason = Reason::up_to_date});
    }
  }
  return results;
}

bool is_unpack_failure(const PushResult& result) {
  return !result.accepted && result.detail.starts_with("unpacker error");
}

}  // namespace refsyncd
