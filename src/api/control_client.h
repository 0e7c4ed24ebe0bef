#pragma once
#include <filesystem>

#include "api/control.h"
#include "http/client.h"

namespace refsyncd {

/// The control port of an agent in another process, over its Unix socket. Each call is one request. An error
/// the agent answers arrives with its kind and message; besides, every call throws NobodyListens when no
/// agent is running on the socket, Error(auth) when it is not ours to use, and Error(transient) when the
/// answer does not come.
class ControlClient final : public Control {
 public:
  explicit ControlClient(std::filesystem::path socket) : socket_(std::move(socket)) {}

  std::vector<PolicyStatus> status() override;
  AgentStatus agent() override;
  Sync enqueue(const SyncRequest& request) override;
  void trigger(const std::string& policy) override;
  std::optional<Sync> sync(const std::string& id) override;
  std::vector<Sync> history(const SyncQuery& query) override;
  ReloadResult reload() override;
  /// The socket takes no webhooks.
  WebhookReply webhook(const std::string&, const std::string&) override { return WebhookReply::not_wanted; }
  NoticeReply notice(Forge, const HttpRequest&) override { return {}; }
  Readiness readiness() override;
  bool alive() override;
  std::string metrics() override;

 private:
  HttpReply call(const std::string& method, const std::string& target, std::string body = "") const;

  std::filesystem::path socket_;
};

}  // namespace refsyncd
