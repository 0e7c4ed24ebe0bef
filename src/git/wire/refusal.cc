#include "git/wire/refusal.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>

#include "base/text.h"
#include "git/wire/pkt_line.h"

namespace refsyncd {
namespace {

constexpr std::string_view refusal = "ERR ";

/// As git, and as JGit, says it.
bool tells_of_gone_object(const std::string& words) {
  return words.find("not our ref") != std::string::npos ||
         (words.starts_with("want ") && words.ends_with(" not valid"));
}

bool tells_of_missing_repository(const std::string& words) {
  constexpr std::string_view signs[] = {"not found", "access denied", "not exported"};
  return std::any_of(std::begin(signs), std::end(signs),
                     [&](std::string_view sign) { return words.find(sign) != std::string::npos; });
}

}  // namespace

void throw_refusal(std::string_view words) {
  words = trim(words);
  const auto lower = lower_case(words);
  const auto message = fmt::format("the upstream says: {}", printable(words, 300));
  if (tells_of_gone_object(lower)) throw ObjectGone(ErrorKind::transient, message);
  throw Error(tells_of_missing_repository(lower) ? ErrorKind::not_found : ErrorKind::transient, message);
}

void throw_if_refusal(std::string_view payload) {
  if (payload.starts_with(refusal)) throw_refusal(payload.substr(refusal.size()));
}

void throw_unexpected(std::string_view payload) {
  throw Error(ErrorKind::transient,
              fmt::format("the upstream's answer is malformed at '{}'", printable(text_of(payload), 200)));
}

void throw_ended_early() { throw Error(ErrorKind::transient, "the upstream's answer ended early"); }

}  // namespace refsyncd
