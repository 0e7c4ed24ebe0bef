#include <fmt/format.h>

#include <algorithm>

#include "base/duration.h"
#include "base/text.h"
#include "git/program.h"
#include "git/remote_words.h"

namespace refsyncd {
namespace {

/// A text that gives a failure away, in lower case; `*` stands for anything within the line. `show` finds the
/// line to print; "" = the one with the text.
struct Pattern {
  std::string_view text;
  ErrorKind kind;
  std::string_view show = "";
  std::string_view remedy = "";
};

constexpr std::string_view redirect_remedy = "the upstream redirects elsewhere; write its final URL";

constexpr std::string_view proxy_remedy =
    "the proxy refuses; a credential for it belongs into its variable's URL";

/// The first that matches decides, so what is specific stands before what merely accompanies it.
constexpr Pattern patterns[] = {
    {"server certificate verification failed", ErrorKind::untrusted},
    {"ssl certificate problem", ErrorKind::untrusted},
    {"no alternative certificate subject name", ErrorKind::untrusted},
    {"certificate subject name", ErrorKind::untrusted},
    {"host key is known for", ErrorKind::untrusted, "", "add the host's key to known_hosts"},
    {"host key for * has changed", ErrorKind::untrusted},
    {"host key verification failed", ErrorKind::untrusted},
    {"fsck error", ErrorKind::untrusted, "error: object"},
    {"dubious ownership", ErrorKind::untrusted},
    {"unsafe repository", ErrorKind::untrusted},
    {"is owned by someone else", ErrorKind::untrusted},
    {"problem with the ssl ca cert", ErrorKind::bad_config, "", "is ca_file a readable PEM file?"},
    {"error setting certificate", ErrorKind::bad_config, "", "is ca_file a readable PEM file?"},
    {"error adding trust anchors", ErrorKind::bad_config, "", "is ca_file a readable PEM file?"},
    {"transport '*' not allowed", ErrorKind::bad_config},
    {"strange *' blocked", ErrorKind::bad_config},
    {"'remote-*' is not a git command", ErrorKind::bad_config},
    {"unable to find remote helper", ErrorKind::bad_config},
    {"plaintext credentials", ErrorKind::bad_config},
    {"returned error: 301", ErrorKind::bad_config, "", redirect_remedy},
    {"returned error: 302", ErrorKind::bad_config, "", redirect_remedy},
    {"returned error: 303", ErrorKind::bad_config, "", redirect_remedy},
    {"returned error: 307", ErrorKind::bad_config, "", redirect_remedy},
    {"returned error: 308", ErrorKind::bad_config, "", redirect_remedy},
    {"http 413", ErrorKind::bad_config, "", "the upstream refuses requests this large"},
    {"returned error: 413", ErrorKind::bad_config, "", "the upstream refuses requests this large"},
    {"returned error: 429", ErrorKind::throttled},
    {"http 429", ErrorKind::throttled},
    {"too many requests", ErrorKind::throttled},
    {"returned error: 401", ErrorKind::auth},
    {"returned error: 403", ErrorKind::auth},
    {"returned error: 407", ErrorKind::auth, "", proxy_remedy},
    {"tunnel failed, response 403", ErrorKind::auth, "", proxy_remedy},
    {"tunnel failed, response 407", ErrorKind::auth, "", proxy_remedy},
    {"http 401", ErrorKind::auth},
    {"http 403", ErrorKind::auth},
    {"authentication failed", ErrorKind::auth},
    {"could not read username", ErrorKind::auth},
    {"could not read password", ErrorKind::auth},
    {"permission denied (", ErrorKind::auth},
    {"too many authentication failures", ErrorKind::auth},
    {"no such identity", ErrorKind::auth},
    {"returned error: 404", ErrorKind::not_found},
    {"returned error: 410", ErrorKind::not_found},
    {"repository not found", ErrorKind::not_found},
    {"repository '*' not found", ErrorKind::not_found},
    {"repository '*' does not exist", ErrorKind::not_found},
    {"does not appear to be a git repository", ErrorKind::not_found},
    {"not valid: is this a git repository", ErrorKind::not_found},
    {"couldn't find remote ref", ErrorKind::transient},
    {"no space left on device", ErrorKind::transient},
    {"disk quota exceeded", ErrorKind::transient},
    {".lock': file exists", ErrorKind::transient},
    {"packed-refs.new': file exists", ErrorKind::transient},
    {"cannot lock ref", ErrorKind::transient},
    {"could not resolve", ErrorKind::transient},
    {"name resolution", ErrorKind::transient},
    {"name or service not known", ErrorKind::transient},
    {"failed to connect", ErrorKind::transient},
    {"couldn't connect", ErrorKind::transient},
    {"connection refused", ErrorKind::transient},
    {"connection reset", ErrorKind::transient},
    {"connection closed", ErrorKind::transient},
    {"connection timed out", ErrorKind::transient},
    {"network is unreachable", ErrorKind::transient},
    {"no route to host", ErrorKind::transient},
    {"operation timed out", ErrorKind::transient},
    {"operation too slow", ErrorKind::transient},
    {"timed out", ErrorKind::transient},
    {"broken pipe", ErrorKind::transient},
    {"empty reply from server", ErrorKind::transient},
    {"handshake", ErrorKind::transient},
    {"returned error: 5", ErrorKind::transient},
    {"http 5", ErrorKind::transient},
    {"early eof", ErrorKind::transient},
    {"hung up unexpectedly", ErrorKind::transient},
    {"unexpected disconnect", ErrorKind::transient},
    {"did not send all necessary objects", ErrorKind::transient},
    {"sha1 mismatch", ErrorKind::transient},
    {"inflate returned", ErrorKind::transient},
    {"rpc failed", ErrorKind::transient},
    {"http request failed", ErrorKind::transient},
    {"protocol error", ErrorKind::transient},
    {"bad line length", ErrorKind::transient},
    {"expected flush", ErrorKind::transient},
    {"invalid index-pack output", ErrorKind::transient},
    {"index-pack failed", ErrorKind::transient},
    {"could not read from remote repository", ErrorKind::transient},
};

/// Git's lines of stderr that say something: neither hints nor empty, each without progress before its last
/// \r.
std::vector<std::string_view> telling_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  for (auto line : split(text, '\n')) {
    line = trim(line);
    if (const auto overwritten = line.rfind('\r'); overwritten != std::string_view::npos) {
      line.remove_prefix(overwritten + 1);
    }
    if (!line.empty() && !line.starts_with("hint:") && line != "remote:") lines.push_back(line);
  }
  return lines;
}

bool contains_pattern(std::string_view lower, std::string_view pattern) {
  for (const auto part : split(pattern, '*')) {
    const auto at = lower.find(part);
    if (at == std::string_view::npos) return false;
    lower.remove_prefix(at + part.size());
  }
  return true;
}

std::string_view line_with(const std::vector<std::string_view>& lines, std::string_view pattern) {
  for (const auto line : lines) {
    if (contains_pattern(lower_case(line), pattern)) return line;
  }
  return {};
}

/// True when git, and not an upstream that it quotes, says so.
bool says_itself(const Finished& finished, std::string_view pattern) {
  const auto lines = telling_lines(finished.error);
  return std::any_of(lines.begin(), lines.end(), [&](std::string_view line) {
    return !line.starts_with("remote:") && contains_pattern(lower_case(line), pattern);
  });
}

std::string_view most_telling(const std::vector<std::string_view>& lines) {
  for (const std::string_view start : {"fatal: ", "error: ", "remote: "}) {
    for (const auto line : lines) {
      if (line.starts_with(start)) return line;
    }
  }
  return lines.empty() ? std::string_view{} : lines.back();
}

/// The upstream's own words, when the shown line is not already one of them.
std::string more_words(const Finished& finished, std::string_view shown) {
  const auto words = remote_words(finished.error);
  if (words.empty() || shown.starts_with("remote: ")) return {};
  return fmt::format(" (the upstream says: {})", words);
}

std::string rounded(milliseconds duration) {
  if (duration < std::chrono::seconds(1)) return format_duration(duration);
  return format_duration(std::chrono::floor<std::chrono::seconds>(duration));
}

std::string how_it_ended(const Finished& finished) {
  if (finished.ending == Ending::signalled) return fmt::format("git was ended by signal {}", finished.code);
  return fmt::format("git failed with exit code {}", finished.code);
}

std::string sentence(std::string_view doing, std::string_view shown, std::string_view more) {
  for (const std::string_view start : {"fatal: ", "error: "}) {
    if (shown.starts_with(start)) shown.remove_prefix(start.size());
  }
  return fmt::format("{}: {}{}", doing, printable(shown, 500), more);
}

}  // namespace

Error classify_git_failure(const Finished& finished, std::string_view doing) {
  switch (finished.ending) {
    case Ending::timed_out:
      return Error(ErrorKind::transient,
                   fmt::format("{}: timed out after {}", doing, rounded(finished.took)));
    case Ending::stopped: return Error(ErrorKind::transient, fmt::format("{}: stopped", doing));
    case Ending::output_too_large:
      return Error(ErrorKind::bad_config, fmt::format("{}: too much output", doing));
    case Ending::exited:
    case Ending::signalled: break;
  }
  const auto lines = telling_lines(finished.error);
  for (const auto& pattern : patterns) {
    const auto found = line_with(lines, pattern.text);
    if (found.empty()) continue;
    const auto better = pattern.show.empty() ? found : line_with(lines, pattern.show);
    const auto shown = better.empty() ? found : better;
    const auto remedy = pattern.remedy.empty() ? "" : fmt::format("; {}", pattern.remedy);
    return Error(pattern.kind, sentence(doing, shown, more_words(finished, shown) + remedy));
  }
  const auto shown = most_telling(lines);
  if (shown.empty()) return Error(ErrorKind::internal, fmt::format("{}: {}", doing, how_it_ended(finished)));
  return Error(ErrorKind::internal, sentence(doing, shown, more_words(finished, shown)));
}

bool tells_of_shallow_upstream(const Finished& finished) {
  return says_itself(finished, "warning: rejected * because shallow roots are not allowed");
}

bool tells_of_missing_objects(const Finished& finished) {
  return says_itself(finished, "did not send all necessary objects");
}

bool tells_of_file_size_limit(const Finished& finished) {
  return says_itself(finished, "file too large");  // the C library's words for EFBIG
}

bool tells_of_status_503(const Failure& failure) {
  const auto text = lower_case(failure.message);
  return text.find("returned error: 503") != std::string::npos || text.find("http 503") != std::string::npos;
}

}  // namespace refsyncd
