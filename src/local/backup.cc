#include "local/backup.h"

#include <fmt/format.h>

#include <charconv>

namespace refsyncd {
namespace {

/// The time in a UUIDv7's first 48 bits, in milliseconds (RFC 9562); nothing when the text is none.
std::optional<WallTime> time_of(std::string_view uuid) {
  if (uuid.size() < 36 || uuid[8] != '-' || uuid[14] != '7') return std::nullopt;
  const auto digits = std::string(uuid.substr(0, 8)) + std::string(uuid.substr(9, 4));
  int64_t millisecond = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), millisecond, 16);
  if (problem != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return WallTime{milliseconds{millisecond}};
}

}  // namespace

std::string backup_ref(const Sync& sync, const std::string& ref_name) {
  constexpr std::string_view refs = "refs/";
  return fmt::format("{}{}.{}/{}", backup_prefix, sync.id, sync.attempt, ref_name.substr(refs.size()));
}

std::vector<RefUpdate> backups_for(const Sync& sync, const RefResults& results) {
  std::vector<RefUpdate> backups;
  for (const auto& ref : results) {
    if (ref.outcome != Outcome::updated || !ref.before) continue;
    if (ref.reason != Reason::forced && ref.reason != Reason::pruned) continue;
    backups.push_back({.name = backup_ref(sync, ref.name), .value = *ref.before, .expected = {}});
  }
  return backups;
}

void write_backups(const Repository& repository, std::span<const RefUpdate> backups,
                   const Operation& operation) {
  if (backups.empty()) return;
  const auto raced = repository.update_refs(backups, operation);
  if (!raced.empty()) {
    throw Error(ErrorKind::transient,
                fmt::format("could not keep a backup: {} exists already", raced.front()));
  }
}

std::vector<RefUpdate> expired_backups(std::span<const RefValue> backups, WallTime before) {
  std::vector<RefUpdate> deletions;
  for (const auto& ref : backups) {
    if (!ref.name.starts_with(backup_prefix)) continue;
    const auto made = time_of(std::string_view(ref.name).substr(backup_prefix.size()));
    if (made && *made < before) deletions.push_back({.name = ref.name, .value = {}, .expected = ref.id});
  }
  return deletions;
}

}  // namespace refsyncd
