#pragma once
#include <mutex>
#include <optional>
#include <string>

#include "api/control.h"

namespace refsyncd {

class Agent;

/// The agent's Control: calls come from HTTP threads and are answered by the loop, within a few seconds or
/// not at all.
class ServedControl final : public Control {
 public:
  /// The agent outlives the control; no call may come before the agent is complete.
  explicit ServedControl(Agent& agent) : agent_(agent) {}

  std::vector<PolicyStatus> status() override;
  AgentStatus agent() override;
  Sync enqueue(const SyncRequest& request) override;
  void trigger(const std::string& policy) override;
  std::optional<Sync> sync(const std::string& id) override;
  std::vector<Sync> history(const SyncQuery& query) override;
  ReloadResult reload() override;
  WebhookReply webhook(const std::string& signature, const std::string& body) override;
  NoticeReply notice(Forge forge, const HttpRequest& request) override;
  Readiness readiness() override;
  bool alive() override;
  std::string metrics() override;

 private:
  struct KeptReadiness {
    Readiness answer;
    size_t policies = 0;
    SteadyTime until;
  };
  KeptReadiness look_for_stale();

  Agent& agent_;
  std::mutex readiness_mutex_;
  std::optional<KeptReadiness> readiness_;
};

}  // namespace refsyncd
