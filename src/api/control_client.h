#pragma once
#include <filesystem>

#include "api/control.h"
#include "http/client.h"

namespace refsyncd {

/// Asks an agent in another process over its Unix socket, as Control's functions of the same names. Each call
/// is one request. An error the agent answers arrives with its kind and message; besides, every call throws
/// NobodyListens when no agent is running on the socket, Error(auth) when it is not ours to use, and
/// Error(transient) when the answer does not come.
class ControlClient {
 public:
  explicit ControlClient(std::filesystem::path socket) : socket_(std::move(socket)) {}

  std::vector<PolicyStatus> status();
  AgentStatus agent();
  Sync enqueue(const SyncRequest& request);
  std::optional<Sync> sync(const std::string& id);
  std::vector<Sync> history(const SyncQuery& query);
  ReloadResult reload();

 private:
  HttpReply call(const std::string& method, const std::string& target, std::string body = "") const;

  std::filesystem::path socket_;
};

}  // namespace refsyncd
