#pragma once
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/sync.h"
#include "store/soci.h"

namespace refsyncd {

/// Where a sync's refs are: a list of the table ref_lists, and how they differ from it.
struct StoredRefs {
  long long list = 0;
  std::string delta;
};

/// The bytes of a column.
std::string bytes_of(soci::blob& blob);

/// What was stored last for syncs that ask for the same refs: lets an identical result be stored again
/// without reading anything, and a similar one find the list to differ from. Forgets the longest unused when
/// full.
class RecentRefs {
 public:
  struct Entry {
    std::string digest = {};                     ///< of the whole result
    std::weak_ptr<const RefResults> whole = {};  ///< the very result, while somebody has it
    StoredRefs stored = {};
    size_t written = 0;    ///< bytes of deltas written against the list
    size_t list_size = 0;  ///< bytes of the list
  };

  /// Nothing when unknown. The entry stays valid until the next call.
  Entry* find(const std::string& key);
  void put(const std::string& key, Entry entry);
  /// Forgets every entry that names the list.
  void forget_list(long long list);
  void clear();

 private:
  static constexpr size_t capacity = 16384;
  using Order = std::list<std::pair<std::string, Entry>>;  // most recently used first
  Order order_;
  std::unordered_map<std::string, Order::iterator> by_key_;
};

/// The table ref_lists, and the art of writing little to it: a result that repeats costs its sync row
/// nothing, one that differs a little costs the difference, and a list is written again only when the
/// differences have become an eighth of it (at least 16 refs) or have together cost as much as the list
/// itself.
class RefListTable {
 public:
  /// Both outlive the table.
  RefListTable(soci::session& session, RecentRefs& recent);

  /// Stores the refs of a sync, inside the caller's transaction; `recent` must be cleared if that rolls back.
  StoredRefs put(const SyncRequest& request, const std::shared_ptr<const RefResults>& refs);

  /// The refs again. Lists already read are taken from `read`, which the caller keeps for as long as it
  /// reads.
  using Lists = std::unordered_map<long long, std::shared_ptr<const RefResults>>;
  std::shared_ptr<const RefResults> get(const StoredRefs& stored, Lists& read);

  /// Deletes those of the lists that no sync uses.
  void delete_unused(const std::vector<long long>& lists);

 private:
  std::optional<RecentRefs::Entry> differing_from(const RecentRefs::Entry& last, const RefResults& refs);
  std::optional<RefResults> readable(long long list, const std::string& bytes);
  RecentRefs::Entry as_new_list(const RefResults& refs, const std::string& encoded);
  std::optional<RecentRefs::Entry> last_stored(const SyncRequest& request);
  long long insert_list(const std::string& content);
  std::string content(long long list);

  soci::session& session_;
  RecentRefs& recent_;
};

}  // namespace refsyncd
