#include "local/upkeep.h"

#include <filesystem>
#include <string>
#include <system_error>

#include "git/packed_refs.h"
#include "local/backup.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;

constexpr size_t few_packs = 10;
constexpr size_t some_packs = 20;
constexpr size_t many_packs = 50;
constexpr size_t many_loose_refs = 100;
constexpr size_t many_loose_objects = 2000;

/// Does a step, and remembers in the report when it is the first that fails.
template <class Step>
void attempt(MaintenanceReport& report, const Upkeep& upkeep, Step step) {
  if (upkeep.stop.stop_requested()) return;
  try {
    step();
  } catch (const Error& error) {
    if (!report.problem.empty()) return;
    report.result = MaintenanceResult::failed;
    report.problem = error.what();
  }
}

/// Mostly there are none, and the refs need not be read one by one to see that.
bool has_backups(const Repository& repository) {
  std::error_code unclear;
  const bool absent = !std::filesystem::exists(repository.path() / backup_prefix, unclear) && !unclear;
  return !absent || read_packed_refs_text(repository.path()).find(backup_prefix) != std::string::npos;
}

std::vector<RefUpdate> expired_backups_of(const Repository& repository, WallTime before) {
  if (!has_backups(repository)) return {};
  return expired_backups(repository.reader().refs_below(backup_prefix), before);
}

}  // namespace

bool needs_maintenance(const Condition& condition, size_t expired_backups, WallTime now) {
  const bool waits = condition.changed || condition.leftovers > 0 || expired_backups > 0;
  if (!condition.maintained || *condition.maintained > now) return waits;
  const auto since = now - *condition.maintained;
  return (since >= 24h && waits) || (since >= 1h && condition.new_packs >= some_packs) ||
         (since >= 10min && condition.new_packs >= many_packs);
}

size_t remove_expired_backups(const Repository& repository, WallTime before, const Operation& operation) {
  const auto expired = expired_backups_of(repository, before);
  if (expired.empty()) return 0;
  return expired.size() - repository.update_refs(expired, operation).size();
}

std::optional<MaintenanceReport> maintain(const Repository& repository, const Upkeep& upkeep) {
  const auto before = examine(repository.path());
  const auto expired = expired_backups_of(repository, upkeep.backups_until).size();
  if (!needs_maintenance(before, expired, upkeep.now)) return std::nullopt;

  Operation operation;
  operation.deadline = upkeep.deadline;
  operation.stop = upkeep.stop;
  MaintenanceReport report;
  report.packs_before = before.packs;
  report.loose_refs_before = before.loose_refs;
  report.removed = repository.remove_leftovers({.ours = upkeep.ours, .empty_refs = false});
  {
    const RepositoryUse use(repository);
    attempt(report, upkeep,
            [&] { report.removed += remove_expired_backups(repository, upkeep.backups_until, operation); });
    attempt(report, upkeep, [&] { repository.pack_refs(operation, many_loose_refs); });
    const bool many_loose = before.loose_objects >= many_loose_objects;
    attempt(report, upkeep, [&] { repository.consolidate_packs(operation, many_loose ? 0 : few_packs); });
    attempt(report, upkeep, [&] { repository.extend_commit_graph(operation); });
  }
  const auto after = examine(repository.path());
  report.packs_after = after.packs;
  report.loose_refs_after = after.loose_refs;
  if (upkeep.stop.stop_requested()) {
    report.result = MaintenanceResult::interrupted;
    report.problem.clear();
  } else {
    attempt(report, upkeep, [&] { mark_maintained(repository.path()); });
  }
  return report;
}

}  // namespace refsyncd
