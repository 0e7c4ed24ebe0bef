#include "api/hosting_body.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/api_route.h"
#include "api/body.h"
#include "base/text.h"

namespace refsyncd {
namespace {

using nlohmann::json;

constexpr size_t longest_name = 63;
constexpr size_t longest_branch = 255;
constexpr size_t longest_url = 2000;
constexpr size_t longest_username = 255;
constexpr size_t longest_secret = 16 << 10;

/// Names that the API's own paths have: a repository called so could not be reached.
constexpr std::string_view taken_by_paths[] = {"api-keys", "repos", "webhook-targets"};

std::optional<std::string> read_name(const json& body) {
  auto name = optional_text(body, "name", longest_name);
  if (!name) return std::nullopt;
  if (const auto problem = name_problem(*name); !problem.empty()) throw bad_request("name", problem);
  if (std::find(std::begin(taken_by_paths), std::end(taken_by_paths), *name) != std::end(taken_by_paths)) {
    throw bad_request("name", fmt::format("'{}' is a path of the API; use another", *name));
  }
  return name;
}

std::optional<std::string> read_bookmark(const json& body) {
  auto name = optional_text(body, "default_bookmark", longest_branch);
  if (!name) return std::nullopt;
  const bool pattern = name->find('*') != std::string::npos;
  const auto problem = name->empty() ? "it is empty" : pattern ? "it holds '*'" : glob_problem(*name);
  if (!problem.empty()) throw bad_request("default_bookmark", problem);
  return name;
}

std::string read_username(const json& auth, std::string_view path) {
  auto name = required_text(auth, path, longest_username);
  if (name.find(':') != std::string::npos) throw bad_request(path, "must not hold ':'");
  return name;
}

GivenAuth read_auth(const json& upstream) {
  const auto found = upstream.find("auth");
  if (found == upstream.end()) return KeepAuth{};
  if (found->is_null()) return ClearAuth{};
  if (!found->is_object()) throw bad_request("upstream.auth", "must be an object or null");
  const auto kind = required_text(*found, "upstream.auth.kind", 100);
  GivenCredential given;
  if (kind == "token") {
    given.kind = AuthKind::token;
    given.secret = Secret(required_text(*found, "upstream.auth.token", longest_secret));
    const bool named = found->contains("token_username") && !(*found)["token_username"].is_null();
    given.username = named ? read_username(*found, "upstream.auth.token_username") : TokenAuth().username;
  } else if (kind == "username_password") {
    given.kind = AuthKind::username_password;
    given.username = read_username(*found, "upstream.auth.username");
    given.secret = Secret(required_text(*found, "upstream.auth.password", longest_secret));
  } else {
    throw bad_request("upstream.auth.kind", "must be token or username_password");
  }
  return given;
}

GivenUpstream read_upstream(const json& value) {
  if (!value.is_object()) throw bad_request("upstream", "must be an object");
  return {.url = required_text(value, "upstream.url", longest_url), .auth = read_auth(value)};
}

/// The contract's one glob for a kind of ref; several, with spaces between, are taken too.
std::vector<std::string> read_globs(const json& globs, const char* key, size_t longest) {
  const auto path = fmt::format("ref_globs.{}", key);
  auto patterns = split_globs(optional_text(globs, path, longest).value_or(""));
  for (const auto& pattern : patterns) {
    const auto problem = glob_problem(pattern);
    if (!problem.empty()) throw bad_request(path, fmt::format("'{}': {}", pattern, problem));
  }
  return patterns;
}

}  // namespace

NewRepo new_repo_from(const json& body) {
  NewRepo repo{.name = read_name(body).value_or(""), .default_bookmark = read_bookmark(body).value_or("")};
  for (auto& [key, word] : optional_words(body, "tags", false).value_or(Words{})) repo.tags[key] = *word;
  if (const auto upstream = body.find("upstream"); upstream != body.end() && !upstream->is_null()) {
    repo.upstream = read_upstream(*upstream);
  }
  return repo;
}

RepoChange repo_change_from(const json& body) {
  RepoChange change{.name = read_name(body),
                    .default_bookmark = read_bookmark(body),
                    .tags = optional_words(body, "tags", true).value_or(Words{})};
  const auto upstream = body.find("upstream");
  if (upstream == body.end()) return change;
  if (upstream->is_null()) {
    change.upstream = RepoChange::RemoveUpstream{};
  } else {
    change.upstream = read_upstream(*upstream);
  }
  return change;
}

SyncRequest sync_request_from(const json& body, size_t longest_globs) {
  SyncRequest request;
  const auto direction = direction_from(required_text(body, "direction", 100));
  if (!direction) throw bad_request("direction", "must be pull or push");
  request.direction = *direction;
  request.priority = Priority::manual;
  const auto globs = body.find("ref_globs");
  if (globs == body.end()) return request;
  if (!globs->is_object()) throw bad_request("ref_globs", "must be an object");
  if (!globs->contains("branches") && !globs->contains("tags")) {
    throw bad_request("ref_globs", "needs branches or tags; leave it out for all of both");
  }
  request.globs = {.branches = read_globs(*globs, "branches", longest_globs),
                   .tags = read_globs(*globs, "tags", longest_globs)};
  return request;
}

}  // namespace refsyncd
