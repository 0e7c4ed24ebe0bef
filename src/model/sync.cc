#include "model/sync.h"

namespace refsyncd {
namespace {

template <class Enum, size_t N>
std::optional<Enum> find_by_name(const std::array<Enum, N>& values, std::string_view name) {
  for (const auto value : values) {
    if (to_string(value) == name) return value;
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(SyncStatus status) {
  switch (status) {
    case SyncStatus::queued: return "queued";
    case SyncStatus::in_progress: return "in_progress";
    case SyncStatus::completed: return "completed";
    case SyncStatus::failed: return "failed";
  }
  return "failed";
}

std::optional<SyncStatus> sync_status_from(std::string_view name) {
  using enum SyncStatus;
  return find_by_name(std::array{queued, in_progress, completed, failed}, name);
}

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::updated: return "updated";
    case Outcome::unchanged: return "unchanged";
    case Outcome::filtered: return "filtered";
    case Outcome::rejected: return "rejected";
  }
  return "rejected";
}

std::optional<Outcome> outcome_from(std::string_view name) { return find_by_name(all_outcomes, name); }

std::string_view to_string(Reason reason) {
  switch (reason) {
    case Reason::up_to_date: return "up_to_date";
    case Reason::created: return "created";
    case Reason::fast_forward: return "fast_forward";
    case Reason::forced: return "forced";
    case Reason::pruned: return "pruned";
    case Reason::excluded: return "excluded";
    case Reason::non_fast_forward: return "non_fast_forward";
    case Reason::tag_exists: return "tag_exists";
    case Reason::directory_file_conflict: return "directory_file_conflict";
    case Reason::raced: return "raced";
    case Reason::remote_refused: return "remote_refused";
    case Reason::prune_guard: return "prune_guard";
    case Reason::not_a_commit: return "not_a_commit";
    case Reason::missing_object: return "missing_object";
  }
  return "up_to_date";
}

std::optional<Reason> reason_from(std::string_view name) {
  using enum Reason;
  return find_by_name(
      std::array{up_to_date, created, fast_forward, forced, pruned, excluded, non_fast_forward, tag_exists,
                 directory_file_conflict, raced, remote_refused, prune_guard, not_a_commit, missing_object},
      name);
}

size_t& RefCounts::operator[](Outcome outcome) {
  switch (outcome) {
    case Outcome::updated: return updated;
    case Outcome::unchanged: return unchanged;
    case Outcome::filtered: return filtered;
    case Outcome::rejected: return rejected;
  }
  return rejected;
}

size_t RefCounts::operator[](Outcome outcome) const { return const_cast<RefCounts&>(*this)[outcome]; }

RefCounts count(const RefResults& refs) {
  RefCounts counts;
  for (const auto& ref : refs) ++counts[ref.outcome];
  return counts;
}

std::string_view to_string(Priority priority) {
  switch (priority) {
    case Priority::manual: return "manual";
    case Priority::retry: return "retry";
    case Priority::scheduled: return "scheduled";
  }
  return "scheduled";
}

std::optional<Priority> priority_from(std::string_view name) {
  using enum Priority;
  return find_by_name(std::array{manual, retry, scheduled}, name);
}

bool SyncRequest::same_work(const SyncRequest& other) const {
  return repo == other.repo && direction == other.direction && globs == other.globs &&
         exclude == other.exclude && force == other.force && prune == other.prune;
}

}  // namespace refsyncd
