#pragma once
#include <fmt/format.h>

#include <memory>
#include <string>

#include "model/store.h"

namespace refsyncd {

using namespace std::chrono_literals;

inline ObjectId object_id(uint64_t number) { return *ObjectId::from_hex(fmt::format("{:040x}", number)); }

inline WallTime at(milliseconds since) {
  return WallTime{std::chrono::sys_days{std::chrono::year{2026} / 1 / 5}} + since;
}

inline RefResult unchanged(std::string name, uint64_t value) {
  return {.name = std::move(name),
          .before = object_id(value),
          .after = object_id(value),
          .outcome = Outcome::unchanged,
          .reason = Reason::up_to_date,
          .offered = object_id(value),
          .detail = ""};
}

inline RefResult created(std::string name, uint64_t value) {
  return {.name = std::move(name),
          .before = std::nullopt,
          .after = object_id(value),
          .outcome = Outcome::updated,
          .reason = Reason::created,
          .offered = object_id(value),
          .detail = ""};
}

inline RefResult moved(std::string name, uint64_t before, uint64_t after) {
  return {.name = std::move(name),
          .before = object_id(before),
          .after = object_id(after),
          .outcome = Outcome::updated,
          .reason = Reason::fast_forward,
          .offered = object_id(after),
          .detail = ""};
}

inline RefResult rejected(std::string name, uint64_t held, uint64_t offered, std::string detail = "") {
  return {.name = std::move(name),
          .before = object_id(held),
          .after = object_id(held),
          .outcome = Outcome::rejected,
          .reason = Reason::non_fast_forward,
          .offered = object_id(offered),
          .detail = std::move(detail)};
}

inline RefResults many_unchanged(size_t count) {
  RefResults refs;
  for (size_t i = 0; i < count; ++i)
    refs.push_back(unchanged(fmt::format("refs/heads/topic/{:06}", i), i + 1));
  return refs;
}

/// A queued sync; created `age` after the epoch of these tests.
inline Sync queued_sync(const std::string& id, milliseconds age = 0ms) {
  Sync sync;
  sync.id = id;
  sync.repo_id = "repo-1";
  sync.request.repo = "app";
  sync.created_at = at(age);
  return sync;
}

inline Sync completed_sync(const std::string& id, RefResults refs, milliseconds age = 0ms) {
  auto sync = queued_sync(id, age);
  sync.status = SyncStatus::completed;
  sync.started_at = at(age + 1ms);
  sync.finished_at = at(age + 2ms);
  sync.refs = std::make_shared<const RefResults>(std::move(refs));
  return sync;
}

}  // namespace refsyncd
