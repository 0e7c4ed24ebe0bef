#pragma once
#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

#include "model/policy_state.h"
#include "model/sync.h"

namespace refsyncd {

inline constexpr WallTime noon{std::chrono::sys_days{std::chrono::year{2026} / 1 / 5} +
                               std::chrono::hours(12)};

inline Policy make_policy(std::string name, Direction direction = Direction::pull) {
  Policy policy;
  policy.repo = name.substr(0, name.rfind('-'));
  policy.name = std::move(name);
  policy.direction = direction;
  return policy;
}

inline ObjectId object(uint8_t digit) {
  ObjectId id;
  id.bytes.fill(static_cast<uint8_t>(digit * 0x11));
  return id;
}

inline RefResult updated(std::string name) {
  return {.name = std::move(name),
          .before = object(1),
          .after = object(2),
          .outcome = Outcome::updated,
          .reason = Reason::fast_forward,
          .offered = object(2),
          .detail = ""};
}

inline RefResult unchanged(std::string name) {
  return {.name = std::move(name),
          .before = object(1),
          .after = object(1),
          .outcome = Outcome::unchanged,
          .reason = Reason::up_to_date,
          .offered = object(1),
          .detail = ""};
}

inline RefResult rejected(std::string name, Reason reason = Reason::non_fast_forward,
                          std::string detail = "") {
  return {.name = std::move(name),
          .before = object(1),
          .after = object(1),
          .outcome = Outcome::rejected,
          .reason = reason,
          .offered = object(2),
          .detail = std::move(detail)};
}

/// A sync of the policy (or by hand, of repository app) that waits since noon.
inline Sync queued_sync(const Policy* policy, std::string id = "s1") {
  Sync sync;
  sync.id = std::move(id);
  sync.request.repo = policy != nullptr ? policy->repo : "app";
  if (policy != nullptr) sync.request.policy = policy->name;
  if (policy != nullptr) sync.request.direction = policy->direction;
  sync.created_at = noon;
  return sync;
}

inline Sync started(Sync sync) {
  sync.status = SyncStatus::in_progress;
  sync.started_at = noon;
  return sync;
}

inline Sync completed(Sync sync, RefResults refs, milliseconds took = milliseconds(1300)) {
  sync = started(std::move(sync));
  sync.status = SyncStatus::completed;
  sync.finished_at = noon + took;
  sync.refs = std::make_shared<const RefResults>(std::move(refs));
  return sync;
}

inline Sync failed(Sync sync, ErrorKind kind = ErrorKind::transient,
                   std::string message = "connection reset") {
  sync = started(std::move(sync));
  sync.status = SyncStatus::failed;
  sync.finished_at = noon + milliseconds(200);
  sync.failure = Failure{.kind = kind, .message = std::move(message), .retry_after = {}};
  return sync;
}

}  // namespace refsyncd
