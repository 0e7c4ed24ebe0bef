#include "api/control_client.h"

#include <fmt/format.h>

#include "api/control_json.h"
#include "base/text.h"
#include "contract/json_fields.h"
#include "http/url.h"

namespace refsyncd {
namespace {

using nlohmann::json;

/// What the agent said instead of what was asked for. A reply that is no error of ours came from some other
/// program.
Error refusal_of(const HttpReply& reply) {
  const auto body = json::parse(reply.body, nullptr, false);
  const auto error = body.is_object() && body.contains("error") ? body["error"] : json();
  if (!error.is_object() || !error.contains("message") || !error["message"].is_string()) {
    return {ErrorKind::internal,
            fmt::format("the agent answered {}: {}", reply.status, printable(reply.body, 200))};
  }
  const auto code =
      error.contains("code") && error["code"].is_string() ? error["code"].get<std::string>() : "";
  const auto kind = error_kind_from(code);
  return {kind.value_or(ErrorKind::internal), error["message"].get<std::string>(),
          kind == ErrorKind::throttled ? reply.retry_after : std::nullopt};
}

/// Reads the reply's JSON with `read`, whose complaints are about what the agent said.
template <class Read>
auto understand(const HttpReply& reply, Read read) {
  try {
    return read(json::parse(reply.body));
  } catch (const std::exception& problem) {
    throw Error(
        ErrorKind::internal,
        fmt::format("the agent's answer is not understood: {}; is it another version?", problem.what()));
  }
}

template <class Read>
auto each_of(const HttpReply& reply, const char* name, Read read) {
  return understand(reply, [&](const json& body) {
    std::vector<decltype(read(body))> values;
    for (const auto& value : body.at(name)) values.push_back(read(value));
    return values;
  });
}

void expect_success(const HttpReply& reply) {
  if (reply.status < 200 || reply.status > 299) throw refusal_of(reply);
}

}  // namespace

HttpReply ControlClient::call(const std::string& method, const std::string& target, std::string body) const {
  try {
    return http_call({.method = method,
                      .url = "http://refsyncd" + target,
                      .unix_socket = socket_,
                      .body = std::move(body),
                      .timeout = std::chrono::seconds(60),
                      .reply_limit = size_t{1} << 30});
  } catch (const NobodyListens&) {
    throw NobodyListens(
        fmt::format("no agent is running on {}; start it with `refsyncd run`", socket_.string()));
  }
}

std::vector<PolicyStatus> ControlClient::status() {
  const auto reply = call("GET", "/control/v1/status");
  expect_success(reply);
  return each_of(reply, "policies", policy_status_from);
}

AgentStatus ControlClient::agent() {
  const auto reply = call("GET", "/control/v1/agent");
  expect_success(reply);
  return understand(reply, agent_status_from);
}

Sync ControlClient::enqueue(const SyncRequest& request) {
  const json body{
      {"repo", request.repo},
      {"direction", to_string(request.direction)},
      {"ref_globs",
       {{"branches", join_globs(request.globs.branches)}, {"tags", join_globs(request.globs.tags)}}}};
  const auto reply = call("POST", "/control/v1/syncs", json_text(body));
  expect_success(reply);
  return understand(reply, control_sync_from);
}

std::optional<Sync> ControlClient::sync(const std::string& id) {
  const auto reply = call("GET", "/control/v1/syncs/" + percent_encode(id));
  if (reply.status == 404) return std::nullopt;
  expect_success(reply);
  return understand(reply, control_sync_from);
}

std::vector<Sync> ControlClient::history(const SyncQuery& query) {
  const auto reply = call(
      "GET", fmt::format("/control/v1/syncs?repo={}&before={}&limit={}&refs={}", percent_encode(query.repo),
                         percent_encode(query.before_id), query.limit, query.with_refs));
  expect_success(reply);
  return each_of(reply, "syncs", control_sync_from);
}

ReloadResult ControlClient::reload() {
  const auto reply = call("POST", "/control/v1/reload");
  expect_success(reply);
  return understand(reply, reload_result_from);
}

}  // namespace refsyncd
