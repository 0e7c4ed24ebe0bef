#include "api/control_json.h"

#include <fmt/format.h>

#include <utility>

#include "contract/sync_json.h"

namespace refsyncd {
namespace {

using nlohmann::json;

json time_json(const std::optional<WallTime>& time) { return time ? json(format_time(*time)) : json(); }

std::optional<WallTime> time_from(const json& value) {
  if (value.is_null()) return std::nullopt;
  const auto time = parse_time(value.get<std::string>());
  if (!time) throw Error(ErrorKind::internal, fmt::format("{} is not a time", value.dump()));
  return time;
}

/// An enumerator by its name, which must be known.
template <class Parse>
auto named(const json& value, Parse parse) {
  const auto found = parse(value.get<std::string>());
  if (!found) throw Error(ErrorKind::internal, fmt::format("unknown name {}", value.dump()));
  return *found;
}

json failure_json(const std::optional<Failure>& failure) {
  if (!failure) return {};
  json value{{"kind", to_string(failure->kind)}, {"message", failure->message}};
  if (failure->retry_after) value["retry_after_ms"] = failure->retry_after->count();
  return value;
}

std::optional<Failure> failure_from(const json& value) {
  if (value.is_null()) return std::nullopt;
  Failure failure{.kind = named(value.at("kind"), error_kind_from), .message = value.at("message")};
  if (value.contains("retry_after_ms"))
    failure.retry_after = milliseconds(value["retry_after_ms"].get<int64_t>());
  return failure;
}

json counts_json(const RefCounts& counts) {
  json value = json::object();
  for (const auto outcome : all_outcomes) value[std::string(to_string(outcome))] = counts[outcome];
  return value;
}

RefCounts counts_from(const json& value) {
  RefCounts counts;
  for (const auto outcome : all_outcomes)
    counts[outcome] = value.at(std::string(to_string(outcome))).get<size_t>();
  return counts;
}

json globs_json(const RefGlobs& globs) { return {{"branches", globs.branches}, {"tags", globs.tags}}; }

RefGlobs globs_from(const json& value) {
  return {.branches = value.at("branches").get<std::vector<std::string>>(),
          .tags = value.at("tags").get<std::vector<std::string>>()};
}

/// What the contract leaves out of a sync's request.
json request_json(const SyncRequest& request) {
  return {{"exclude", globs_json(request.exclude)},
          {"force", request.force},
          {"prune", request.prune},
          {"timeout_ms", request.timeout.count()},
          {"priority", to_string(request.priority)}};
}

void read_request(const json& value, SyncRequest& request) {
  request.exclude = globs_from(value.at("exclude"));
  request.force = value.at("force");
  request.prune = value.at("prune");
  request.timeout = milliseconds(value.at("timeout_ms").get<int64_t>());
  request.priority = named(value.at("priority"), priority_from);
}

json state_json(const PolicyState& state) {
  return {{"phase", to_string(state.phase)},
          {"trigger", to_string(state.trigger)},
          {"attempt", state.attempt},
          {"sync_id", state.sync_id},
          {"retry_at", state.retry_at == WallTime{} ? json() : time_json(state.retry_at)},
          {"last_due", time_json(state.last_due)},
          {"last_attempt", time_json(state.last_attempt)},
          {"last_success", time_json(state.last_success)},
          {"last_change", time_json(state.last_change)},
          {"not_before", time_json(state.not_before)},
          {"consecutive_failures", state.consecutive_failures},
          {"last_failure", failure_json(state.last_failure)},
          {"last_counts", counts_json(state.last_counts)}};
}

PolicyState state_from(const json& value, std::string policy) {
  PolicyState state;
  state.policy = std::move(policy);
  state.phase = named(value.at("phase"), run_phase_from);
  state.trigger = named(value.at("trigger"), priority_from);
  state.attempt = value.at("attempt");
  state.sync_id = value.at("sync_id");
  state.retry_at = time_from(value.at("retry_at")).value_or(WallTime{});
  state.last_due = time_from(value.at("last_due"));
  state.last_attempt = time_from(value.at("last_attempt"));
  state.last_success = time_from(value.at("last_success"));
  state.last_change = time_from(value.at("last_change"));
  state.not_before = time_from(value.at("not_before"));
  state.consecutive_failures = value.at("consecutive_failures");
  state.last_failure = failure_from(value.at("last_failure"));
  state.last_counts = counts_from(value.at("last_counts"));
  return state;
}

}  // namespace

json control_json(const PolicyStatus& status) {
  return {{"policy", status.policy},
          {"repo", status.repo},
          {"direction", to_string(status.direction)},
          {"state", state_json(status.state)},
          {"next_due", time_json(status.next_due)},
          {"why_not_running", status.why_not_running}};
}

PolicyStatus policy_status_from(const json& value) {
  PolicyStatus status;
  status.policy = value.at("policy");
  status.repo = value.at("repo");
  status.direction = named(value.at("direction"), direction_from);
  status.state = state_from(value.at("state"), status.policy);
  status.next_due = time_from(value.at("next_due"));
  status.why_not_running = value.at("why_not_running");
  return status;
}

json control_json(const AgentStatus& agent) {
  return {{"version", agent.version},         {"started_at", time_json(agent.started_at)},
          {"config_file", agent.config_file}, {"config_problem", agent.config_problem},
          {"data_dir", agent.data_dir},       {"http_address", agent.http_address},
          {"policies", agent.policies},       {"queued", agent.queued},
          {"in_progress", agent.in_progress}, {"draining", agent.draining}};
}

AgentStatus agent_status_from(const json& value) {
  AgentStatus agent;
  agent.version = value.at("version");
  agent.started_at = time_from(value.at("started_at")).value_or(WallTime{});
  agent.config_file = value.at("config_file");
  agent.config_problem = value.at("config_problem");
  agent.data_dir = value.at("data_dir");
  agent.http_address = value.at("http_address");
  agent.policies = value.at("policies");
  agent.queued = value.at("queued");
  agent.in_progress = value.at("in_progress");
  agent.draining = value.at("draining");
  return agent;
}

json control_json(const ReloadResult& result) { return {{"ok", result.ok}, {"problem", result.problem}}; }

ReloadResult reload_result_from(const json& value) {
  return {.ok = value.at("ok"), .problem = value.at("problem")};
}

json control_json(const Readiness& readiness) {
  json reasons = json::array();
  for (const auto& reason : readiness.reasons) {
    reasons.push_back({{"policy", reason.policy}, {"reason", reason.text}});
  }
  return {{"ready", readiness.ready}, {"stale", readiness.stale}, {"reasons", std::move(reasons)}};
}

std::string control_text(Sync sync) {
  json more = {{"request", request_json(sync.request)},
               {"refs_left_out", sync.status == SyncStatus::completed && !sync.refs}};
  if (sync.failure && sync.failure->retry_after) more["retry_after_ms"] = sync.failure->retry_after->count();
  return sync_text(std::move(sync), more);
}

Sync control_sync_from(json value) {
  // The contract has no completed sync without its refs; a list that was asked for without them does.
  const bool refs_left_out = value.at("refs_left_out");
  if (refs_left_out) value["stats"] = {{"refs", json::array()}};
  Sync sync = sync_from_json(value);
  if (refs_left_out) sync.refs.reset();
  read_request(value.at("request"), sync.request);
  if (sync.failure && value.contains("retry_after_ms")) {
    sync.failure->retry_after = milliseconds(value["retry_after_ms"].get<int64_t>());
  }
  return sync;
}

}  // namespace refsyncd
