#include "api/api_router.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/body.h"
#include "api/refusal.h"
#include "base/text.h"
#include "base/uuid.h"

namespace refsyncd {
namespace {

using nlohmann::json;
using Parameters = std::map<std::string, std::string, std::less<>>;

bool is_parameter(std::string_view segment) { return segment.starts_with('{'); }

/// The parameters when the path fits the pattern. No parameter is empty.
std::optional<Parameters> match_path(std::string_view pattern, std::string_view path) {
  const auto wanted = split(pattern, '/');
  const auto given = split(path, '/');
  if (wanted.size() != given.size()) return std::nullopt;
  Parameters parameters;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (is_parameter(wanted[i]) && !given[i].empty()) {
      parameters.emplace(wanted[i].substr(1, wanted[i].size() - 2), given[i]);
    } else if (wanted[i] != given[i]) {
      return std::nullopt;
    }
  }
  return parameters;
}

/// Literals sort before parameters, segment by segment.
bool more_literal(const ApiRoute& left, const ApiRoute& right) {
  const auto a = split(left.pattern, '/');
  const auto b = split(right.pattern, '/');
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), [](auto one, auto other) {
    return !is_parameter(one) && is_parameter(other);
  });
}

HttpResponse envelope(int status, std::string_view code, std::string_view message, const json& details,
                      const std::string& trace_id) {
  json error{{"code", code}, {"message", printable(message)}};
  if (!details.is_null()) error["details"] = details;
  if (!trace_id.empty()) error["trace_id"] = trace_id;
  return api_answer({{"error", std::move(error)}}, status);
}

HttpResponse refusal(const ApiError& error) {
  auto response = envelope(error.status(), error.code(), error.what(), error.details(), "");
  if (error.status() == 401) response.headers["WWW-Authenticate"] = "Bearer realm=\"refsyncd\"";
  return response;
}

struct Status {
  int number;
  std::string_view code;
};

/// What a failure inside is to the caller. What is wrong with an upstream's credentials is no 401: the
/// caller's own are good.
Status status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::not_found: return {404, "not_found"};
    case ErrorKind::auth:
    case ErrorKind::bad_config:
    case ErrorKind::untrusted: return {409, "conflict"};
    case ErrorKind::transient:
    case ErrorKind::throttled: return {503, "unavailable"};
    case ErrorKind::internal: return {500, "internal"};
  }
  return {500, "internal"};
}

HttpResponse refusal(const Failure& failure, const std::string& trace_id) {
  const auto status = status_of(failure.kind);
  const bool ours = status.number >= 500;
  const bool hidden = status.number == 500;
  auto response = envelope(status.number, status.code,
                           hidden ? "something went wrong; the agent's log says what" : failure.message, {},
                           ours ? trace_id : "");
  set_retry_after(response, failure);
  return response;
}

/// Answers are JSON: a caller who takes nothing of the kind is told so.
void check_accept(const HttpRequest& request) {
  const auto header = request.headers.find("accept");
  if (header == request.headers.end() || trim(header->second).empty()) return;
  for (const auto range : split(header->second, ',')) {
    const auto type = trim(range.substr(0, range.find(';')));
    if (type == "*/*" || type == "application/*" || type == "application/json") return;
  }
  throw ApiError(406, "not_acceptable", "answers are application/json; accept that");
}

bool holds(const ApiScopes& scopes, ApiScope needed) {
  switch (needed) {
    case ApiScope::open:
    case ApiScope::any: return true;
    case ApiScope::read: return scopes.read;
    case ApiScope::write: return scopes.write;
    case ApiScope::admin: return scopes.admin;
  }
  return false;
}

}  // namespace

ApiRouter::ApiRouter(std::string org, std::vector<ApiRoute> routes, OnFailure on_failure)
    : org_(std::move(org)), routes_(std::move(routes)), on_failure_(std::move(on_failure)) {
  std::stable_sort(routes_.begin(), routes_.end(), more_literal);
}

bool ApiRouter::serves(const HttpRequest& request) {
  return request.path == "/v1" || request.path.starts_with("/v1/");
}

std::optional<ApiRouter::Match> ApiRouter::find(const HttpRequest& request) const {
  const std::string* pattern = nullptr;  // of the first that fits: only its own methods count
  for (const auto& route : routes_) {
    if (pattern != nullptr && route.pattern != *pattern) continue;
    auto parameters = match_path(route.pattern, request.path);
    if (!parameters) continue;
    pattern = &route.pattern;
    if (route.method == request.method) return Match{&route, std::move(*parameters)};
  }
  return std::nullopt;
}

HttpResponse ApiRouter::serve(const HttpRequest& request, const Authenticate& authenticate) const {
  try {
    return answer(request, authenticate);
  } catch (const ApiError& error) {
    return refusal(error);
  } catch (...) {
    const auto failure = current_failure();
    const auto trace_id =
        new_uuid(std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()));
    auto response = refusal(failure, trace_id);
    if (response.status >= 500) on_failure_(trace_id, request, failure);
    return response;
  }
}

HttpResponse ApiRouter::answer(const HttpRequest& request, const Authenticate& authenticate) const {
  auto found = find(request);
  if (!found) throw not_found(fmt::format("there is nothing at {} {}", request.method, request.path));
  const auto& route = *found->route;
  ApiCaller caller;
  if (route.scope != ApiScope::open) caller = authenticate(request);
  if (!holds(caller.scopes, route.scope)) {
    throw ApiError(403, "forbidden", fmt::format("this call needs the scope '{}'", to_string(route.scope)),
                   {{"scope", to_string(route.scope)}});
  }
  check_accept(request);
  const auto org = found->parameters.find("org");
  if (org != found->parameters.end() && org->second != org_) {
    throw not_found(fmt::format("there is no organization '{}'", org->second));
  }
  return route.serve({.parameters = std::move(found->parameters),
                      .query = request.query,
                      .body = route.takes_body ? parse_object(request.body) : json(),
                      .caller = caller});
}

}  // namespace refsyncd
