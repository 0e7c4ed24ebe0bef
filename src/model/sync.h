#pragma once
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "model/object_id.h"
#include "model/policy.h"

namespace refsyncd {

enum class SyncStatus { queued, in_progress, completed, failed };
std::string_view to_string(SyncStatus);
std::optional<SyncStatus> sync_status_from(std::string_view);

/// What became of one ref (the sync contract's words).
enum class Outcome { updated, unchanged, filtered, rejected };
inline constexpr std::array all_outcomes{Outcome::updated, Outcome::unchanged, Outcome::filtered,
                                         Outcome::rejected};
std::string_view to_string(Outcome);
std::optional<Outcome> outcome_from(std::string_view);

/// Why a ref has its outcome. A closed set, fit for a metric label.
enum class Reason {
  up_to_date,               ///< unchanged
  created,                  ///< updated: the target did not have it
  fast_forward,             ///< updated: moved forward
  forced,                   ///< updated: overwrote what had diverged, because the policy says `force`
  pruned,                   ///< updated: deleted, because the policy says `prune`
  excluded,                 ///< filtered: matched `exclude`
  non_fast_forward,         ///< rejected: the target's branch is not an ancestor of the source's
  tag_exists,               ///< rejected: the target has a different tag of this name
  directory_file_conflict,  ///< rejected: the target has a ref that is a parent or child of this name
  raced,                    ///< rejected: the target's ref moved while we synced
  remote_refused,           ///< rejected: the upstream said no (hook, protection); see `detail`
  prune_guard,              ///< rejected: deleting it was refused by the guard against mass deletion
  not_a_commit,             ///< rejected: a branch must name a commit
  missing_object,           ///< rejected: the source lost or hides the object
};
std::string_view to_string(Reason);
std::optional<Reason> reason_from(std::string_view);

/// The outcome of one ref. `before` is what the target held; `after` is what it holds now (all zero =
/// absent).
struct RefResult {
  std::string name;  ///< full name, raw bytes
  std::optional<ObjectId> before;
  ObjectId after;
  Outcome outcome = Outcome::unchanged;
  Reason reason = Reason::up_to_date;
  std::optional<ObjectId> offered;  ///< the source's value; nothing when the source has none (pruned)
  std::string detail = {};          ///< the other side's words on a refusal, printable; else ""

  bool operator==(const RefResult&) const = default;
};
using RefResults = std::vector<RefResult>;

/// How many refs had each outcome.
struct RefCounts {
  size_t updated = 0;
  size_t unchanged = 0;
  size_t filtered = 0;
  size_t rejected = 0;

  size_t& operator[](Outcome);
  size_t operator[](Outcome) const;
  size_t total() const { return updated + unchanged + filtered + rejected; }
  bool operator==(const RefCounts&) const = default;
};
RefCounts count(const RefResults& refs);

/// Who goes first when not everything can run at once.
enum class Priority { manual, retry, scheduled };
std::string_view to_string(Priority);
std::optional<Priority> priority_from(std::string_view);

/// What is asked of a sync service.
struct SyncRequest {
  std::string repo;
  Direction direction = Direction::pull;
  RefGlobs globs = RefGlobs::all();
  RefGlobs exclude;
  bool force = false;
  bool prune = false;
  milliseconds timeout = std::chrono::minutes(10);
  Priority priority = Priority::scheduled;
  std::string policy;  ///< name of the policy that asks; "" for a request by hand
  /// Set when the same may have been asked for before, at that time, and the answer was lost (a crash): a
  /// service that remembers by itself looks for that sync first.
  std::optional<WallTime> asked_before;

  /// True when both ask for the same work, whoever asks and however urgently.
  bool same_work(const SyncRequest&) const;
  bool operator==(const SyncRequest&) const = default;
};

/// The contract's sync. `refs` and `failure` follow its rules: refs is set on completed syncs and may be on
/// failed ones; failure is set on failed ones alone.
struct Sync {
  std::string id;  ///< UUIDv7 of the local service, or the hosted service's id
  std::string repo_id;
  SyncRequest request;
  SyncStatus status = SyncStatus::queued;
  int attempt = 1;  ///< how often the service has started it
  std::shared_ptr<const RefResults> refs;
  std::optional<Failure> failure;
  WallTime created_at;
  std::optional<WallTime> started_at;
  std::optional<WallTime> finished_at;

  bool terminal() const { return status == SyncStatus::completed || status == SyncStatus::failed; }
};

}  // namespace refsyncd
