#include "store/sync_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "store/columns.h"

namespace refsyncd {
namespace {

constexpr std::string_view sync_columns =
    "id, repo_id, repo, direction, branches, tags, exclude_branches, exclude_tags, force, prune, timeout, "
    "priority, "
    "policy, status, attempt, created_at, started_at, finished_at, failure_kind, failure_message, "
    "failure_retry_after, updated, unchanged, filtered, rejected, ref_list, ref_delta";

/// An upsert of all columns: a row keeps its place (`seq`) from the first time it was recorded.
std::string put_sql() {
  std::string places;
  std::string changes;
  for (auto column : split(sync_columns, ',')) {
    column = trim(column);
    places += fmt::format("{}:{}", places.empty() ? "" : ", ", column);
    if (column != "id")
      changes += fmt::format("{}{} = excluded.{}", changes.empty() ? "" : ", ", column, column);
  }
  return fmt::format("INSERT INTO syncs ({}) VALUES ({}) ON CONFLICT (id) DO UPDATE SET {}", sync_columns,
                     places, changes);
}

}  // namespace

/// Binds every column, in the order of `sync_columns`; `bind` is columns::use or columns::into.
template <class Bind>
soci::statement SyncTable::prepare(soci::session& session, const std::string& sql, Row& row, Bind bind,
                                   const std::vector<std::string>& values) {
  auto& s = row.sync;
  auto& r = row.sync.request;
  auto prepared = session.prepare << sql;
  prepared, bind(s.id), bind(s.repo_id), bind(r.repo), bind(r.direction), bind(row.branches), bind(row.tags),
      bind(row.exclude_branches), bind(row.exclude_tags), bind(r.force), bind(r.prune), bind(r.timeout),
      bind(r.priority), bind(r.policy), bind(s.status), bind(s.attempt), bind(s.created_at),
      bind(s.started_at), bind(s.finished_at), bind(row.failure_kind), bind(row.failure_message),
      bind(row.failure_retry_after), bind(row.counts.updated), bind(row.counts.unchanged),
      bind(row.counts.filtered), bind(row.counts.rejected), bind(row.list, row.has_list),
      bind(row.delta, row.has_delta);
  for (const auto& value : values) prepared, soci::use(value);
  return soci::statement(prepared);
}

SyncTable::SyncTable(soci::session& session, RefListTable& lists)
    : session_(session),
      lists_(lists),
      row_(session),
      put_(prepare(session, put_sql(), row_, columns::use)),
      list_of_((session.prepare << "SELECT ref_list FROM syncs WHERE id = :id", soci::use(looked_up_),
                soci::into(list_, has_list_))) {}

void SyncTable::put(const Sync& sync) {
  row_.sync = sync;
  const auto& request = sync.request;
  row_.branches = join_globs(request.globs.branches);
  row_.tags = join_globs(request.globs.tags);
  row_.exclude_branches = join_globs(request.exclude.branches);
  row_.exclude_tags = join_globs(request.exclude.tags);
  const auto& failure = sync.failure;
  row_.failure_kind = failure ? std::optional(failure->kind) : std::nullopt;
  row_.failure_message = failure ? failure->message : "";
  row_.failure_retry_after = failure ? failure->retry_after : std::nullopt;
  row_.counts = sync.refs ? count(*sync.refs) : RefCounts{};
  const auto stored = sync.refs ? lists_.put(request, sync.refs) : StoredRefs{};
  row_.list = stored.list;
  row_.has_list = sync.refs ? soci::i_ok : soci::i_null;
  row_.delta.trim(0);
  if (!stored.delta.empty()) row_.delta.write(0, stored.delta.data(), stored.delta.size());
  row_.has_delta = stored.delta.empty() ? soci::i_null : soci::i_ok;
  const auto replaced = sync.refs ? list_of(sync.id) : std::nullopt;
  put_.execute(true);
  row_.sync.refs.reset();
  if (replaced && *replaced != stored.list) lists_.delete_unused({*replaced});
}

std::optional<long long> SyncTable::list_of(const std::string& id) {
  looked_up_ = id;
  const bool found = list_of_.execute(true);
  return found && has_list_ == soci::i_ok ? std::optional(list_) : std::nullopt;
}

Sync SyncTable::sync_of(Row& row, bool with_refs, RefListTable::Lists& read) {
  Sync sync = row.sync;
  sync.request.globs = {split_globs(row.branches), split_globs(row.tags)};
  sync.request.exclude = {split_globs(row.exclude_branches), split_globs(row.exclude_tags)};
  if (row.failure_kind)
    sync.failure = Failure{*row.failure_kind, row.failure_message, row.failure_retry_after};
  if (with_refs && row.has_list == soci::i_ok) {
    StoredRefs stored{row.list, ""};
    if (row.has_delta == soci::i_ok) stored.delta = bytes_of(row.delta);
    sync.refs = lists_.get(stored, read);
  }
  return sync;
}

std::vector<Sync> SyncTable::select(const std::string& condition, const std::vector<std::string>& values,
                                    bool with_refs) {
  Row row(session_);
  auto statement = prepare(session_, fmt::format("SELECT {} FROM syncs {}", sync_columns, condition), row,
                           columns::into, values);
  statement.execute();
  std::vector<Sync> syncs;
  RefListTable::Lists read;
  while (statement.fetch()) syncs.push_back(sync_of(row, with_refs, read));
  return syncs;
}

std::optional<Sync> SyncTable::find(const std::string& id) {
  auto found = select("WHERE id = :id", {id}, true);
  return found.empty() ? std::nullopt : std::optional(std::move(found.front()));
}

std::vector<Sync> SyncTable::unfinished() {
  return select("WHERE status IN ('queued', 'in_progress') ORDER BY created_at, seq", {}, true);
}

std::vector<Sync> SyncTable::list(const SyncQuery& query) {
  std::string condition = "WHERE true";
  std::vector<std::string> values;
  if (!query.repo.empty()) {
    condition += " AND repo = :repo";
    values.push_back(query.repo);
  }
  if (!query.repo_id.empty()) {
    condition += " AND repo_id = :repo_id";
    values.push_back(query.repo_id);
  }
  if (!query.before_id.empty()) {
    condition += " AND (created_at, seq) < (SELECT created_at, seq FROM syncs WHERE id = :before_id)";
    values.push_back(query.before_id);
  }
  condition += fmt::format(" ORDER BY created_at DESC, seq DESC LIMIT {}", query.limit);
  return select(condition, values, query.with_refs);
}

size_t SyncTable::purge(WallTime before, size_t limit) {
  long long seq = 0;
  long long list = 0;
  soci::indicator has_list = soci::i_null;
  soci::statement select =
      (session_.prepare
           << "SELECT seq, ref_list FROM syncs WHERE created_at < :before AND finished_at < :also_before "
              "AND status IN ('completed', 'failed') AND id NOT IN (SELECT sync_id FROM policy_states "
              "WHERE phase = 'waiting') ORDER BY created_at LIMIT "
           << limit,
       soci::use(before), soci::use(before), soci::into(seq), soci::into(list, has_list));
  select.execute();
  std::vector<long long> syncs;
  std::set<long long> lists;
  while (select.fetch()) {
    syncs.push_back(seq);
    if (has_list == soci::i_ok) lists.insert(list);
  }
  soci::statement remove = (session_.prepare << "DELETE FROM syncs WHERE seq = :seq", soci::use(seq));
  for (const auto doomed : syncs) {
    seq = doomed;
    remove.execute(true);
  }
  lists_.delete_unused({lists.begin(), lists.end()});
  return syncs.size();
}

}  // namespace refsyncd
