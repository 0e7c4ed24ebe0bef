#include "api/routes.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <span>
#include <string_view>

#include "api/api_route.h"
#include "api/body.h"
#include "api/control_json.h"
#include "api/forge_webhook.h"
#include "api/hosting_body.h"
#include "api/json_list.h"
#include "api/mesa_webhook.h"
#include "api/refusal.h"
#include "base/text.h"
#include "contract/json_fields.h"
#include "contract/sync_json.h"

namespace refsyncd {
namespace {

using nlohmann::json;

HttpResponse answer(const json& value, int status = 200) {
  return {.status = status, .body = json_text(value) + "\n"};
}

int status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::not_found: return 404;
    case ErrorKind::auth: return 403;
    case ErrorKind::bad_config:
    case ErrorKind::untrusted: return 409;
    case ErrorKind::transient:
    case ErrorKind::throttled: return 503;
    case ErrorKind::internal: return 500;
  }
  return 500;
}

HttpResponse refusal_of(const Failure& failure) {
  auto response = refusal(status_of(failure.kind), to_string(failure.kind), failure.message);
  set_retry_after(response, failure);
  return response;
}

/// A request that found its route.
struct Call {
  Control& control;
  const HttpRequest& request;
  std::string argument;  // what stands in the path where the route has a `*`
};

HttpResponse serve_page(const Call&) {
  return {.content_type = "text/html; charset=utf-8",
          .body =
              "<!doctype html><html lang=\"en\"><title>refsyncd</title><h1>refsyncd</h1><ul>"
              "<li><a href=\"/metrics\">/metrics</a>: for Prometheus"
              "<li><a href=\"/healthz\">/healthz</a>: is the agent alive"
              "<li><a href=\"/readyz\">/readyz</a>: is every policy fresh enough</ul></html>\n"};
}

HttpResponse serve_metrics(const Call& call) {
  return {.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = call.control.metrics()};
}

HttpResponse serve_health(const Call& call) {
  return call.control.alive() ? answer({{"status", "ok"}}) : answer({{"status", "stalled"}}, 503);
}

HttpResponse serve_readiness(const Call& call) {
  auto readiness = call.control.readiness();
  return answer(control_json(readiness), readiness.ready ? 200 : 503);
}

HttpResponse serve_agent(const Call& call) { return answer(control_json(call.control.agent())); }

template <class Values, class ToText>
HttpResponse answer_list(std::string_view name, const Values& values, ToText to_text) {
  std::string body = "{";
  append_list(body, name, values, to_text);
  return {.body = body + "}\n"};
}

HttpResponse serve_status(const Call& call) {
  return answer_list("policies", call.control.status(),
                     [](const PolicyStatus& policy) { return json_text(control_json(policy)); });
}

std::string query_value(const HttpRequest& request, std::string_view name) {
  const auto found = request.query.find(name);
  return found == request.query.end() ? "" : found->second;
}

size_t limit_of(const HttpRequest& request) {
  constexpr size_t most = 1000;
  const auto text = query_value(request, "limit");
  if (text.empty()) return SyncQuery().limit;
  size_t limit = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), limit);
  if (problem != std::errc{} || end != text.data() + text.size() || limit == 0 || limit > most) {
    throw bad_request("limit", fmt::format("'{}' is not a number from 1 to {}", text, most));
  }
  return limit;
}

bool with_refs(const HttpRequest& request) {
  const auto text = query_value(request, "refs");
  if (text.empty() || text == "true") return true;
  if (text == "false") return false;
  throw bad_request("refs", fmt::format("'{}' is neither true nor false", text));
}

/// The list ends early once its syncs hold very many refs: the caller asks on from its last one.
HttpResponse serve_history(const Call& call) {
  const auto limit = limit_of(call.request);
  SyncQuery query{.repo = query_value(call.request, "repo"),
                  .before_id = query_value(call.request, "before"),
                  .limit = syncs_at_once,
                  .with_refs = with_refs(call.request)};
  std::vector<Sync> all;
  size_t refs = 0;
  while (all.size() < limit && refs < most_refs_in_a_list) {
    query.limit = std::min(query.with_refs ? syncs_at_once : limit, limit - all.size());
    auto some = call.control.history(query);
    for (const auto& sync : some) refs += sync.refs ? sync.refs->size() : 0;
    const bool last = some.size() < query.limit;
    std::move(some.begin(), some.end(), std::back_inserter(all));
    if (last) break;
    query.before_id = all.back().id;
  }
  return answer_list("syncs", all, control_text);
}

/// Throws unless the value is an object that holds no other keys.
void expect_object(const json& value, std::string_view what, std::span<const std::string_view> keys) {
  if (!value.is_object()) throw bad_request("", fmt::format("{} must be a JSON object", what));
  for (const auto& [key, ignored] : value.items()) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
      throw bad_request("", fmt::format("{}: unknown key '{}'", what, key));
    }
  }
}

SyncRequest sync_request(const std::string& text) {
  static constexpr std::string_view keys[] = {"repo", "direction", "ref_globs"};
  static constexpr std::string_view kinds[] = {"branches", "tags"};
  const auto body = parse_object(text);
  expect_object(body, "the request body", keys);
  if (body.contains("ref_globs")) expect_object(body["ref_globs"], "ref_globs", kinds);
  auto request = sync_request_from(body, text.size());
  request.repo = required_text(body, "repo", text.size());
  return request;
}

HttpResponse serve_enqueue(const Call& call) {
  return {.status = 201, .body = control_text(call.control.enqueue(sync_request(call.request.body))) + "\n"};
}

HttpResponse serve_sync(const Call& call) {
  auto sync = call.control.sync(call.argument);
  if (!sync) return refusal(404, "not_found", fmt::format("there is no sync {}", call.argument));
  return {.body = control_text(*std::move(sync)) + "\n"};
}

HttpResponse serve_trigger(const Call& call) {
  call.control.trigger(call.argument);
  return answer({{"policy", call.argument}}, 202);
}

HttpResponse serve_reload(const Call& call) { return answer(control_json(call.control.reload())); }

struct Route {
  std::string_view method;
  std::string_view path;  // may hold one `*`: any one segment
  HttpResponse (*serve)(const Call&);
};

HttpResponse serve_webhook(const Call& call) { return serve_mesa_webhook(call.control, call.request); }

template <Forge forge>
HttpResponse serve_notice(const Call& call) {
  return serve_forge_webhook(call.control, forge, call.request);
}

constexpr Route public_routes[] = {
    {"GET", "/", serve_page},
    {"POST", "/webhooks/mesa", serve_webhook},
    {"POST", "/webhooks/github", serve_notice<Forge::github>},
    {"POST", "/webhooks/gitlab", serve_notice<Forge::gitlab>},
    {"POST", "/webhooks/gitea", serve_notice<Forge::gitea>},
    {"POST", "/webhooks/bitbucket", serve_notice<Forge::bitbucket>},
    {"GET", "/metrics", serve_metrics},
    {"GET", "/healthz", serve_health},
    {"GET", "/readyz", serve_readiness},
};
constexpr Route control_routes[] = {
    {"GET", "/control/v1/agent", serve_agent},    {"GET", "/control/v1/status", serve_status},
    {"GET", "/control/v1/syncs", serve_history},  {"POST", "/control/v1/syncs", serve_enqueue},
    {"GET", "/control/v1/syncs/*", serve_sync},   {"POST", "/control/v1/policies/*/trigger", serve_trigger},
    {"POST", "/control/v1/reload", serve_reload},
};

/// What stands at the route's `*`, "" for a route without one; nothing when the path is another.
std::optional<std::string> match_path(std::string_view route, std::string_view path) {
  const auto star = route.find('*');
  if (star == std::string_view::npos) return route == path ? std::optional<std::string>("") : std::nullopt;
  const auto tail = route.substr(star + 1);
  if (path.size() <= star + tail.size() || !path.starts_with(route.substr(0, star)) ||
      !path.ends_with(tail)) {
    return std::nullopt;
  }
  const auto segment = path.substr(star, path.size() - star - tail.size());
  if (segment.find('/') != std::string_view::npos) return std::nullopt;
  return std::string(segment);
}

/// Serves the request when a route has its path; nothing otherwise.
std::optional<HttpResponse> serve(std::span<const Route> routes, Control& control,
                                  const HttpRequest& request) {
  std::string allowed;
  for (const auto& route : routes) {
    auto argument = match_path(route.path, request.path);
    if (!argument) continue;
    if (route.method == request.method) return route.serve({control, request, std::move(*argument)});
    allowed += fmt::format("{}{}", allowed.empty() ? "" : ", ", route.method);
  }
  if (allowed.empty()) return std::nullopt;
  auto response = refusal(405, "method_not_allowed", fmt::format("{} takes {}", request.path, allowed));
  response.headers["Allow"] = allowed;
  return response;
}

/// Runs the action; what it throws becomes an answer.
template <class Action>
HttpResponse guarded(Action action) {
  try {
    return action();
  } catch (const ApiError& bad) {
    return refusal(bad.status(), bad.code(), bad.what());
  } catch (...) {
    return refusal_of(current_failure());
  }
}

HttpResponse unknown_path(const HttpRequest& request) {
  return refusal(404, "not_found", fmt::format("there is nothing at {}", request.path));
}

}  // namespace

HttpResponse serve_public(Control& control, const HttpRequest& request) {
  return guarded([&] {
    auto response = serve(public_routes, control, request);
    return response ? std::move(*response) : unknown_path(request);
  });
}

HttpResponse serve_control(Control& control, const HttpRequest& request) {
  return guarded([&] {
    auto response = serve(control_routes, control, request);
    if (!response) response = serve(public_routes, control, request);
    return response ? std::move(*response) : unknown_path(request);
  });
}

}  // namespace refsyncd
