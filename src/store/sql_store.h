#pragma once
#include <filesystem>
#include <memory>
#include <mutex>

#include "model/store.h"

namespace refsyncd {

/// The Store in one SQLite file, over one connection that stays open. Calls from several threads take turns.
/// After an error the store stays usable.
///
/// syncs() orders by creation time, then by when they were first recorded; an unknown `before_id` (purged
/// meanwhile) has nothing older. unfinished_syncs() and sync() read the refs too.
class SqlStore final : public Store, public WebhookStore {
 public:
  /// Opens or creates the file (see open_database() for what it promises and throws). The caller makes sure
  /// that no other process writes to it.
  explicit SqlStore(const std::filesystem::path& file);
  ~SqlStore() override;

  void write(const Changes& changes) override;
  std::vector<RepositoryRecord> repositories() override;
  std::vector<PolicyState> policy_states() override;
  void forget_policies(const std::vector<std::string>& names) override;
  std::vector<Sync> unfinished_syncs() override;
  std::optional<Sync> sync(const std::string& id) override;
  std::vector<Sync> syncs(const SyncQuery& query) override;
  std::vector<Sync> latest_syncs(const std::vector<std::string>& repo_ids) override;
  size_t purge(WallTime before, size_t limit) override;

  std::vector<WebhookTarget> webhook_targets() override;
  std::vector<PendingDelivery> pending_deliveries() override;
  std::optional<Delivery> delivery(const std::string& id) override;
  size_t dead_deliveries() override;
  size_t purge_deliveries(WallTime before) override;

 private:
  struct Connection;
  struct Tables;
  template <class Work>
  auto with_tables(std::string_view doing, Work work);

  std::mutex mutex_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace refsyncd
