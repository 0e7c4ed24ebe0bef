#pragma once
#include <optional>
#include <string>
#include <vector>

#include "model/store.h"
#include "store/ref_list_table.h"
#include "store/soci.h"

namespace refsyncd {

/// The table syncs. Made anew after a database error, which leaves prepared statements unusable.
class SyncTable {
 public:
  /// Both outlive the table.
  SyncTable(soci::session& session, RefListTable& lists);

  /// Inserts or replaces, inside the caller's transaction.
  void put(const Sync& sync);
  std::optional<Sync> find(const std::string& id);
  std::vector<Sync> unfinished();
  std::vector<Sync> list(const SyncQuery& query);
  /// Deletes ended syncs that no policy waits for, inside the caller's transaction. Returns how many.
  size_t purge(WallTime before, size_t limit);

 private:
  struct Row {
    explicit Row(soci::session& session) : delta(session) {}

    Sync sync;
    std::string branches;
    std::string tags;
    std::string exclude_branches;
    std::string exclude_tags;
    std::optional<ErrorKind> failure_kind;
    std::string failure_message;
    std::optional<milliseconds> failure_retry_after;
    RefCounts counts;
    long long list = 0;
    soci::indicator has_list = soci::i_null;
    soci::blob delta;
    soci::indicator has_delta = soci::i_null;
  };
  template <class Bind>
  static soci::statement prepare(soci::session& session, const std::string& sql, Row& row, Bind bind,
                                 const std::vector<std::string>& values = {});
  /// The list a recorded sync refers to.
  std::optional<long long> list_of(const std::string& id);
  Sync sync_of(Row& row, bool with_refs, RefListTable::Lists& read);
  /// The rows that meet an SQL condition whose placeholders stand for `values`.
  std::vector<Sync> select(const std::string& condition, const std::vector<std::string>& values,
                           bool with_refs);

  soci::session& session_;
  RefListTable& lists_;
  Row row_;  // what put_ is bound to
  soci::statement put_;
  std::string looked_up_;  // what list_of_ is bound to
  long long list_ = 0;
  soci::indicator has_list_ = soci::i_null;
  soci::statement list_of_;
};

}  // namespace refsyncd
