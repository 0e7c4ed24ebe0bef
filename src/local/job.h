#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "base/secret.h"
#include "git/program.h"
#include "git/ref_plan.h"
#include "git/repository.h"
#include "local/service.h"

namespace refsyncd {

/// Makes the Remote of one sync; `secret` is the upstream's credential, read just now.
using RemoteFactory = std::function<std::unique_ptr<Remote>(const Upstream&, Secret, Operation)>;

/// The Git work of syncs: LocalService::Work. Safe from any thread, for different repositories at once.
class SyncJob {
 public:
  SyncJob(const Clock& clock, const GitProgram& git, RemoteFactory make_remote, milliseconds keep_backups);

  /// Does the sync. Never throws; a failure may come with the refs that were handled before it.
  SyncEnd perform(const Assignment& assignment, std::stop_token stop, const LocalService::Progress& progress);

  /// What perform() would do to each ref. Changes neither side; needs room for the new objects in the
  /// temporary folder. A repository of ours that is yet to be made counts as an empty one, also for a push,
  /// which would find there what a pull had brought before. Throws what perform() would fail with.
  RefResults plan(const SyncRequest& request, const Repo& repo) const;

 private:
  void run(const Sync& sync, const Repo& repo, const Operation& operation, RefResults& handled);
  Repository open(const Sync& sync, const Repo& repo);
  bool is_tidy(const std::string& path);
  std::unique_ptr<Remote> remote(const Repo& repo, Operation operation) const;

  const Clock& clock_;
  const GitProgram& git_;
  RemoteFactory make_remote_;
  milliseconds keep_backups_;
  const SteadyTime started_;
  std::mutex mutex_;
  std::unordered_set<std::string>
      tidy_;  // paths of repositories whose last sync of this process met no obstacle
};

/// The credential's value, read just now; empty when there is none or it is not ours to read (SSH). Blocks on
/// the disk. Throws Error for what cannot be read.
Secret read_credential(const Auth& auth);

/// The rules a request moves refs by.
RefRules rules_of(const SyncRequest& request);

/// The moves that make what was planned come true: of the updated refs, in their order.
std::vector<RefUpdate> updates_for(const RefResults& results);

/// Where a pull brings objects and refs, step by step. plan() decides, carry_out() does.
class Pull {
 public:
  /// `make_scratch` is called when objects have to be fetched, at most once.
  Pull(const SyncRequest& request, Remote& remote, const Repository& target,
       std::function<ScratchRepository()> make_scratch);
  /// Lists both sides, fetches what the decision needs into the scratch repository, and decides.
  RefResults plan();
  /// Moves objects and refs into the target. `handled` gets the results as they came out. When it throws,
  /// that is what is certain of them if some ref has moved, and nothing else.
  void carry_out(const Sync& sync, RefResults results, const Operation& operation, RefResults& handled);
  /// The branch that the upstream's HEAD names; "" before plan(), or when it says nothing.
  const std::string& upstream_head() const { return upstream_head_; }
  /// The target's HEAD names a branch that prune would delete but for HEAD. False before plan().
  bool head_is_gone() const { return head_is_gone_; }

 private:
  void move_refs(RefResults& results, const Operation& operation, RefResults& handled) const;
  void tidy(bool many_moved, const Operation& operation) const;

  const SyncRequest& request_;
  Remote& remote_;
  const Repository& target_;
  std::function<ScratchRepository()> make_scratch_;
  std::optional<ScratchRepository> scratch_;  ///< set once something was fetched
  std::string upstream_head_;
  bool head_is_gone_ = false;
  std::string head_;  ///< the target's branch that HEAD names; "" when it names a commit
};

/// The reverse: the repository is the source and the upstream the target.
class Push {
 public:
  Push(const SyncRequest& request, Remote& remote, const Repository& source,
       std::function<ScratchRepository()> make_scratch);
  RefResults plan();
  void carry_out(const Sync& sync, RefResults results, const Operation& operation, RefResults& handled);

 private:
  void keep_backups(const Sync& sync, const RefResults& results, ScratchRepository& scratch,
                    const Operation& operation);
  std::optional<std::vector<RefValue>> held_now();

  const SyncRequest& request_;
  Remote& remote_;
  const Repository& source_;
  std::function<ScratchRepository()> make_scratch_;
};

}  // namespace refsyncd
