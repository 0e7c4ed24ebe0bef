#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/policy_state.h"
#include "model/sync.h"
#include "model/webhook.h"

namespace refsyncd {

/// What the API says of a repository that was made through it. Its credential is not here: it lies in a file
/// of its own.
struct RepositoryDefinition {
  std::string default_bookmark;  ///< "" = the branch that HEAD names
  std::map<std::string, std::string> tags;
  std::string upstream_url;  ///< "" = no upstream
  AuthKind auth = AuthKind::none;
  std::string username;    ///< that goes with the credential
  std::string credential;  ///< name of its file (see local/credentials); "" = none

  bool operator==(const RepositoryDefinition&) const = default;
};

/// Nothing of a repository is removed from the disk but what is recorded as deleted. The record stays until
/// its files are gone.
enum class RepositoryState { present, deleted, gone };

/// A repository as the store knows it: the id the contract shows for a name.
struct RepositoryRecord {
  std::string id;  ///< UUIDv7
  std::string org;
  std::string name;
  WallTime created_at;
  std::optional<RepositoryDefinition> definition;    ///< of one made through the API
  RepositoryState state = RepositoryState::present;  ///< recorded as gone, it leaves the store

  bool operator==(const RepositoryRecord&) const = default;
};

/// What one group commit writes. A later record of the same id, policy or name replaces an earlier one.
struct Changes {
  std::vector<RepositoryRecord> repositories;
  std::vector<Sync> syncs;
  std::vector<PolicyState> policies;
  std::vector<WebhookChange> webhooks;  ///< applied in order

  bool empty() const { return repositories.empty() && syncs.empty() && policies.empty() && webhooks.empty(); }
};

/// Which syncs to list, newest first.
struct SyncQuery {
  std::string repo;       ///< by name; "" = all
  std::string repo_id;    ///< by id, whatever its name was at the time; "" = all
  std::string before_id;  ///< only syncs older than this one; "" = from the newest
  size_t limit = 20;
  bool with_refs = true;  ///< false leaves Sync::refs empty, which is much cheaper
};

/// The durable memory. Safe from any thread; calls block on the disk. Errors are thrown as Error(internal),
/// or Error(transient) when the disk is full or busy.
class Store {
 public:
  virtual ~Store() = default;
  /// Writes all changes in one transaction; durable on return, nothing written when it throws.
  virtual void write(const Changes& changes) = 0;
  /// Also those that are deleted, of all organisations.
  virtual std::vector<RepositoryRecord> repositories() = 0;
  virtual std::vector<PolicyState> policy_states() = 0;
  /// Deletes what is remembered of these policies.
  virtual void forget_policies(const std::vector<std::string>& names) = 0;
  /// Queued and in-progress syncs, oldest first.
  virtual std::vector<Sync> unfinished_syncs() = 0;
  virtual std::optional<Sync> sync(const std::string& id) = 0;
  virtual std::vector<Sync> syncs(const SyncQuery& query) = 0;
  /// The newest sync of each of these repositories (by id) that has one.
  virtual std::vector<Sync> latest_syncs(const std::vector<std::string>& repo_ids) = 0;
  /// Deletes terminal syncs that finished before `before`, and ref lists nobody uses any more, at most
  /// `limit` syncs. Returns how many syncs went.
  virtual size_t purge(WallTime before, size_t limit) = 0;
};

/// Collects what must be durable before something else may happen. Used on the loop's thread; writes happen
/// in the background, in groups, in order.
class Recorder {
 public:
  virtual ~Recorder() = default;
  virtual void record(const RepositoryRecord& repository) = 0;
  virtual void record(const Sync& sync) = 0;
  virtual void record(const PolicyState& state) = 0;
  virtual void record(const WebhookChange& change) = 0;
  /// How many records it was given so far: two looks tell whether something was recorded in between.
  virtual uint64_t records() const = 0;
  /// Calls `effect` on the loop's thread once everything recorded so far is durable. Effects keep their
  /// order.
  virtual void when_durable(std::function<void()> effect) = 0;
  /// The same for an effect that nobody waits for: what was recorded may be written a moment later, with what
  /// comes until then.
  virtual void when_durable_at_leisure(std::function<void()> effect) { when_durable(std::move(effect)); }
};

}  // namespace refsyncd
