#include "store/sql_store.h"

#include <optional>

#include "store/database.h"
#include "store/policy_state_table.h"
#include "store/ref_list_table.h"
#include "store/repository_table.h"
#include "store/sync_table.h"
#include "store/webhook_tables.h"

namespace refsyncd {

struct SqlStore::Tables {
  Tables(soci::session& on, RecentRefs& recent)
      : session(on), repositories(on), lists(on, recent), syncs(on, lists), policies(on), webhooks(on) {}

  /// Nullptr when they are damaged, or the sync is not there any more.
  std::shared_ptr<const RefResults> refs_of(const std::string& sync_id) try {
    const auto sync = syncs.find(sync_id);
    return sync ? sync->refs : nullptr;
  } catch (const Error&) {
    return nullptr;
  }

  soci::session& session;
  RepositoryTable repositories;
  RefListTable lists;
  SyncTable syncs;
  PolicyStateTable policies;
  WebhookTables webhooks;
};

struct SqlStore::Connection {
  std::unique_ptr<soci::session> session;
  RecentRefs recent;
  std::optional<Tables> tables;  // last: their statements end before the session does

  /// After an error: ends the prepared statements, which may be unusable, and what is remembered of lists
  /// that may not have been written after all. Both come back by themselves.
  void start_over() {
    tables.reset();
    recent.clear();
  }
};

SqlStore::SqlStore(const std::filesystem::path& file) : connection_(std::make_unique<Connection>()) {
  connection_->session = open_database(file);
}

SqlStore::~SqlStore() = default;

/// Runs the work on the tables, one thread at a time.
template <class Work>
auto SqlStore::with_tables(std::string_view doing, Work work) {
  const std::scoped_lock lock(mutex_);
  auto& tables = connection_->tables;
  try {
    if (!tables) tables.emplace(*connection_->session, connection_->recent);
    return work(*tables);
  } catch (const soci::soci_error& error) {
    connection_->start_over();
    throw database_error(error, doing);
  } catch (...) {
    connection_->start_over();
    throw;
  }
}

void SqlStore::write(const Changes& changes) {
  with_tables("writing to the state file", [&](Tables& tables) {
    Transaction transaction(tables.session);
    for (const auto& repository : changes.repositories) tables.repositories.put(repository);
    for (const auto& sync : changes.syncs) tables.syncs.put(sync);
    for (const auto& state : changes.policies) tables.policies.put(state);
    for (const auto& change : changes.webhooks) tables.webhooks.apply(change);
    transaction.commit();
  });
}

std::vector<RepositoryRecord> SqlStore::repositories() {
  return with_tables("reading repositories", [](Tables& tables) { return tables.repositories.all(); });
}

std::vector<PolicyState> SqlStore::policy_states() {
  return with_tables("reading policy states", [](Tables& tables) { return tables.policies.all(); });
}

std::vector<Sync> SqlStore::unfinished_syncs() {
  return with_tables("reading unfinished syncs", [](Tables& tables) { return tables.syncs.unfinished(); });
}

std::optional<Sync> SqlStore::sync(const std::string& id) {
  return with_tables("reading a sync", [&](Tables& tables) { return tables.syncs.find(id); });
}

std::vector<Sync> SqlStore::syncs(const SyncQuery& query) {
  return with_tables("reading the history", [&](Tables& tables) { return tables.syncs.list(query); });
}

void SqlStore::forget_policies(const std::vector<std::string>& names) {
  if (names.empty()) return;
  with_tables("forgetting policies", [&](Tables& tables) { tables.policies.remove(names); });
}

std::vector<Sync> SqlStore::latest_syncs(const std::vector<std::string>& repo_ids) {
  return with_tables("reading the latest syncs", [&](Tables& tables) {
    std::vector<Sync> latest;
    for (const auto& id : repo_ids) {
      for (auto& sync : tables.syncs.list({.repo_id = id, .limit = 1})) latest.push_back(std::move(sync));
    }
    return latest;
  });
}

size_t SqlStore::purge(WallTime before, size_t limit) {
  return with_tables("removing old syncs", [&](Tables& tables) {
    Transaction transaction(tables.session);
    const auto count = tables.syncs.purge(before, limit);
    transaction.commit();
    return count;
  });
}

std::vector<WebhookTarget> SqlStore::webhook_targets() {
  return with_tables("reading webhook targets", [](Tables& tables) { return tables.webhooks.targets(); });
}

std::vector<PendingDelivery> SqlStore::pending_deliveries() {
  return with_tables("reading webhook deliveries", [](Tables& tables) { return tables.webhooks.pending(); });
}

std::optional<Delivery> SqlStore::delivery(const std::string& id) {
  return with_tables("reading a webhook delivery", [&](Tables& tables) {
    auto found = tables.webhooks.find(id);
    if (found && !found->refs_of.empty()) found->refs = tables.refs_of(found->refs_of);
    return found;
  });
}

size_t SqlStore::dead_deliveries() {
  return with_tables("counting webhook deliveries", [](Tables& tables) { return tables.webhooks.dead(); });
}

size_t SqlStore::purge_deliveries(WallTime before) {
  return with_tables("removing old webhook deliveries",
                     [&](Tables& tables) { return tables.webhooks.purge(before); });
}

}  // namespace refsyncd
