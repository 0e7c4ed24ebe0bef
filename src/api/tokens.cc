#include "api/tokens.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <utility>

#include "base/error.h"
#include "base/hmac.h"
#include "base/sha256.h"
#include "base/text.h"
#include "config/secrets.h"

namespace refsyncd {
namespace {

/// The header's token; nothing when there is none. The scheme's case does not matter (RFC 9110, 11.1).
std::optional<std::string_view> bearer_token(const HttpRequest& request) {
  constexpr std::string_view scheme = "bearer ";
  const auto header = request.headers.find("authorization");
  if (header == request.headers.end() || header->second.size() <= scheme.size()) return std::nullopt;
  const std::string_view value = header->second;
  if (lower_case(value.substr(0, scheme.size())) != scheme) return std::nullopt;
  return trim(value.substr(scheme.size()));
}

ApiError unauthorized(const std::string& message) { return {401, "unauthorized", message}; }

}  // namespace

ApiTokens::Stamp ApiTokens::stamp_of(const std::string& file) {
  struct stat found {};
  if (::stat(file.c_str(), &found) != 0) return {};
  return {found.st_mtim.tv_sec, found.st_mtim.tv_nsec, found.st_ino, found.st_size};
}

void ApiTokens::configure(std::vector<ApiToken> tokens) {
  const std::scoped_lock lock(mutex_);
  known_.clear();
  for (auto& token : tokens) known_.push_back({.token = std::move(token)});
  for (auto& known : known_) refresh(known);
}

/// A file that cannot be used is tried again each time.
void ApiTokens::refresh(Known& known) const {
  const auto stamp = stamp_of(known.token.file);
  if (stamp == known.stamp && known.problem.empty()) return;
  known.stamp = stamp;
  known.hash.clear();
  std::string problem;
  try {
    known.hash = sha256_hex(read_secret({SecretSource::Kind::file, known.token.file}).reveal());
  } catch (const Error& error) {
    problem = error.what();
  }
  if (std::exchange(known.problem, problem) != problem && !problem.empty()) {
    on_problem_(known.token.name, problem);
  }
}

ApiCaller ApiTokens::authenticate(const HttpRequest& request) {
  const std::scoped_lock lock(mutex_);
  if (known_.empty()) {
    throw unauthorized(
        "no token is configured: use the agent's Unix socket, or add one: api: {tokens: [{name: ci, file: "
        "PATH, scopes: [read]}]}");
  }
  const auto token = bearer_token(request);
  if (!token) throw unauthorized("send a token: Authorization: Bearer TOKEN");
  const auto hash = sha256_hex(*token);
  const Known* found = nullptr;
  for (auto& known : known_) {
    refresh(known);
    if (same_in_constant_time(known.hash, hash)) found = &known;
  }
  if (found == nullptr) throw unauthorized("the token is not known");
  return {.key_name = found->token.name, .scopes = found->token.scopes};
}

}  // namespace refsyncd
