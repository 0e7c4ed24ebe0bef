#include "agent/served_control.h"

#include <fmt/format.h>

#include "agent/agent.h"
#include "agent/ask_by_hand.h"
#include "base/duration.h"
#include "base/version.h"
#include "config/secrets.h"
#include "contract/signature.h"
#include "contract/webhook_json.h"
#include "mesa/composite.h"
#include "run/explain.h"
#include "schedule/next_due.h"

namespace refsyncd {
namespace {

using std::chrono::seconds;

constexpr auto reload_patience = seconds(60);
constexpr auto turns_at_least_every = seconds(30);
constexpr size_t reasons_at_most = 20;
/// With more policies than that, a look at all of them serves the probes of a whole second.
constexpr size_t worth_keeping = 1000;

PolicyStatus status_of(const Runner::View& view, Agent& agent) {
  const auto waiting_for = agent.engine().service().waiting_for(view.state.sync_id);
  return {.policy = view.policy.name,
          .repo = view.policy.repo,
          .direction = view.policy.direction,
          .state = view.state,
          .next_due = view.next_due,
          .why_not_running = explain(view, agent.clock().now(), waiting_for)};
}

/// Why a policy is not fresh, or "". A calendar policy that never ran is fresh until it has missed its times.
std::string staleness(const Runner::View& view, WallTime started_at, WallTime now) {
  const auto& last = view.state.last_success;
  const bool waits_for_calendar = std::holds_alternative<CronSchedule>(view.policy.schedule);
  if (!last && !waits_for_calendar) return "no successful sync yet";
  if (now < stale_at(view.policy, last.value_or(started_at), view.state.last_change)) return "";
  const auto age = last ? fmt::format("the last success was {} ago",
                                      format_duration(std::chrono::floor<seconds>(now - *last)))
                        : "no successful sync yet";
  return view.state.last_failure ? fmt::format("{}; last failure: {}", age, view.state.last_failure->message)
                                 : age;
}

}  // namespace

std::vector<PolicyStatus> ServedControl::status() {
  return agent_.calls().ask([this] {
    std::vector<PolicyStatus> all;
    auto& runner = agent_.engine().runner();
    for (size_t i = 0; i < runner.size(); ++i) all.push_back(status_of(runner.view(i), agent_));
    return all;
  });
}

AgentStatus ServedControl::agent() {
  return agent_.calls().ask([this] {
    auto& engine = agent_.engine();
    return AgentStatus{.version = std::string(version),
                       .started_at = agent_.started_at(),
                       .config_file = agent_.config_file().string(),
                       .config_problem = agent_.config_problem(),
                       .data_dir = agent_.data_dir().string(),
                       .http_address = agent_.http_address(),
                       .policies = engine.runner().size(),
                       .queued = engine.service().waiting(),
                       .in_progress = engine.service().running(),
                       .draining = agent_.draining()};
  });
}

Sync ServedControl::enqueue(const SyncRequest& asked) {
  return ask_by_hand(agent_.calls(), agent_.engine().service(), asked);
}

void ServedControl::trigger(const std::string& policy) {
  agent_.calls().decide([this, policy] {
    if (!agent_.engine().runner().trigger(policy)) {
      throw Error(ErrorKind::not_found, fmt::format("there is no policy '{}'", policy));
    }
  });
}

std::optional<Sync> ServedControl::sync(const std::string& id) {
  std::vector<Sync> parts;
  for (const auto& part_id : split_id(id)) {
    auto part = agent_.engine().store().sync(part_id);
    if (!part) return std::nullopt;
    parts.push_back(std::move(*part));
  }
  return parts.empty() ? std::nullopt : std::optional(merge_parts(parts));
}

std::vector<Sync> ServedControl::history(const SyncQuery& query) {
  return agent_.engine().store().syncs(query);
}

ReloadResult ServedControl::reload() {
  const auto problem = agent_.calls().wait_long<std::string>(
      [this](const LoopCalls::Reply<std::string>& reply) {
        agent_.reload([reply](const std::string& found) { reply.give(found); });
      },
      reload_patience);
  return {.ok = problem.empty(), .problem = problem};
}

WebhookReply ServedControl::webhook(const std::string& signature, const std::string& body) {
  const auto& source = agent_.webhook_secret();
  if (!source) return WebhookReply::not_wanted;
  // Only a genuine body is worth reading.
  const auto check = check_signature(read_secret(*source), signature, agent_.clock().now(), body);
  if (check != SignatureCheck::good) return WebhookReply::not_genuine;
  WebhookEvent event;
  try {
    event = webhook_from_json(body);
  } catch (const Error&) {
    return WebhookReply::not_an_event;
  }
  agent_.calls().ask([this, event] {
    if (auto* service = agent_.engine().hosted()) service->told(event);
  });
  return WebhookReply::taken;
}

NoticeReply ServedControl::notice(Forge forge, const HttpRequest& request) {
  return agent_.notices().take(forge, request);
}

Readiness ServedControl::readiness() {
  {
    const std::lock_guard lock(readiness_mutex_);
    const auto now = agent_.clock().steady();
    if (readiness_ && readiness_->policies > worth_keeping && now < readiness_->until)
      return readiness_->answer;
  }
  auto looked = look_for_stale();  // without the lock, for which nobody should wait as long as for the loop
  const std::lock_guard lock(readiness_mutex_);
  readiness_ = std::move(looked);
  return readiness_->answer;
}

ServedControl::KeptReadiness ServedControl::look_for_stale() {
  return agent_.calls().ask([this] {
    Readiness readiness;
    if (agent_.draining()) readiness.reasons.push_back({.policy = "", .text = "the agent is stopping"});
    auto& runner = agent_.engine().runner();
    const auto now = agent_.clock().now();
    for (size_t i = 0; i < runner.size(); ++i) {
      const auto view = runner.view(i);
      auto why = staleness(view, agent_.started_at(), now);
      if (why.empty()) continue;
      ++readiness.stale;
      if (readiness.reasons.size() < reasons_at_most) {
        readiness.reasons.push_back({.policy = view.policy.name, .text = std::move(why)});
      }
    }
    readiness.ready = readiness.reasons.empty();
    return KeptReadiness{std::move(readiness), runner.size(), agent_.clock().steady() + seconds(1)};
  });
}

bool ServedControl::alive() { return agent_.clock().steady() - agent_.last_turn() < turns_at_least_every; }

std::string ServedControl::metrics() { return agent_.metrics().text(); }

}  // namespace refsyncd
