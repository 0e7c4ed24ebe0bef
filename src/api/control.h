#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "http/server.h"
#include "model/forge.h"
#include "model/policy_state.h"
#include "model/store.h"
#include "model/sync.h"

namespace refsyncd {

/// A policy as it stands.
struct PolicyStatus {
  std::string policy;
  std::string repo;
  Direction direction = Direction::pull;
  PolicyState state;
  std::optional<WallTime> next_due;  ///< nothing when no further time will come
  /// One sentence: "next due in 3m", "waiting for a free slot on github.com", "held back: credentials
  /// refused, next try at ..."; "" while a sync of the policy is in progress.
  std::string why_not_running;

  bool operator==(const PolicyStatus&) const = default;
};

/// The agent as a whole.
struct AgentStatus {
  std::string version;
  WallTime started_at;
  std::string config_file;
  std::string config_problem;  ///< of the last reload, which changed nothing; "" when it was good
  std::string data_dir;
  std::string http_address;  ///< with the real port; "" when there is no TCP listener
  size_t policies = 0;
  size_t queued = 0;       ///< syncs waiting for their turn
  size_t in_progress = 0;  ///< syncs running now
  bool draining = false;   ///< stopping: nothing new is started

  bool operator==(const AgentStatus&) const = default;
};

struct ReloadResult {
  bool ok = false;
  std::string problem;  ///< when not ok: "file:line:column: message" a line; the old configuration stays

  bool operator==(const ReloadResult&) const = default;
};

/// Whether every policy is fresh enough.
struct Readiness {
  struct Reason {
    std::string policy;  ///< "" when the agent itself is not ready (starting, draining)
    std::string text;

    bool operator==(const Reason&) const = default;
  };
  bool ready = false;
  size_t stale = 0;             ///< how many policies are not fresh, also those without a place in `reasons`
  std::vector<Reason> reasons;  ///< the first of them

  bool operator==(const Readiness&) const = default;
};

/// What became of a webhook of the hosted service.
enum class WebhookReply {
  taken,
  not_genuine,   ///< the signature is not the service's, or too old
  not_an_event,  ///< genuine, but not as the contract says
  not_wanted,    ///< no webhooks are configured
};

/// What became of a webhook of a Git forge.
struct NoticeReply {
  enum class Verdict {
    taken,  ///< genuine and understood, also when it is about nothing of ours
    not_genuine,
    malformed,   ///< genuine, but not as the forge documents it
    not_wanted,  ///< this forge has no secret in the configuration
  };
  Verdict verdict = Verdict::not_wanted;
  size_t policies = 0;  ///< how many it makes due
};

/// How the rest of the world speaks to the agent. Calls come from several threads at once and return within a
/// bounded time; one that cannot be answered in time throws Error(transient).
class Control {
 public:
  virtual ~Control() = default;

  /// All policies, in the order of the configuration.
  virtual std::vector<PolicyStatus> status() = 0;
  virtual AgentStatus agent() = 0;

  /// Asks for a sync by hand and returns it once it is durable. Of the request, repo, direction and globs
  /// count; its priority is manual. Throws Error(not_found) for an unknown repository, Error(bad_config) for
  /// one without upstream, Error(transient) while draining.
  virtual Sync enqueue(const SyncRequest& request) = 0;

  /// Begins a run of the policy now, or speeds up one that is backing off. Throws Error(not_found).
  virtual void trigger(const std::string& policy) = 0;

  virtual std::optional<Sync> sync(const std::string& id) = 0;
  /// Newest first.
  virtual std::vector<Sync> history(const SyncQuery& query) = 0;

  /// Reads the configuration again. A bad one changes nothing.
  virtual ReloadResult reload() = 0;

  /// Takes a webhook of the hosted service: the value of its signature header, and the raw body.
  virtual WebhookReply webhook(const std::string& signature, const std::string& body) = 0;

  /// Takes a webhook of a Git forge. A push makes the policies due that pull what was pushed. Throws
  /// Error(transient) while draining.
  virtual NoticeReply notice(Forge forge, const HttpRequest& request) = 0;

  virtual Readiness readiness() = 0;
  /// True while the loop turns. Never waits for it.
  virtual bool alive() = 0;
  /// All metrics in the Prometheus text format, version 0.0.4.
  virtual std::string metrics() = 0;
};

}  // namespace refsyncd
