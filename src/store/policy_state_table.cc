#include "store/policy_state_table.h"

#include "store/columns.h"

namespace refsyncd {
namespace {

constexpr auto put_sql =
    "INSERT OR REPLACE INTO policy_states (policy, phase, trigger, attempt, sync_id, retry_at, last_due, "
    "last_attempt, "
    "last_success, last_change, not_before, consecutive_failures, failure_kind, failure_message, "
    "failure_retry_after, updated, "
    "unchanged, filtered, rejected) VALUES (:policy, :phase, :trigger, :attempt, :sync_id, :retry_at, "
    ":last_due, "
    ":last_attempt, :last_success, :last_change, :not_before, :consecutive_failures, :failure_kind, "
    ":failure_message, "
    ":failure_retry_after, :updated, :unchanged, :filtered, :rejected)";

constexpr auto all_sql =
    "SELECT policy, phase, trigger, attempt, sync_id, retry_at, last_due, last_attempt, last_success, "
    "last_change, not_before, "
    "consecutive_failures, failure_kind, failure_message, failure_retry_after, updated, unchanged, filtered, "
    "rejected "
    "FROM policy_states ORDER BY policy";

/// Binds every column in the order of both statements above; `bind` is columns::use or columns::into.
template <class Prepared, class Row, class Bind>
void bind_columns(Prepared& statement, Row& row, Bind bind) {
  auto& s = row.state;
  statement, bind(s.policy), bind(s.phase), bind(s.trigger), bind(s.attempt), bind(s.sync_id),
      bind(s.retry_at), bind(s.last_due), bind(s.last_attempt), bind(s.last_success), bind(s.last_change),
      bind(s.not_before), bind(s.consecutive_failures), bind(row.failure_kind), bind(row.failure_message),
      bind(row.failure_retry_after), bind(s.last_counts.updated), bind(s.last_counts.unchanged),
      bind(s.last_counts.filtered), bind(s.last_counts.rejected);
}

template <class Row, class Bind>
soci::statement prepare(soci::session& session, const char* sql, Row& row, Bind bind) {
  auto prepared = session.prepare << sql;
  bind_columns(prepared, row, bind);
  return soci::statement(prepared);
}

}  // namespace

PolicyStateTable::PolicyStateTable(soci::session& session)
    : session_(session), put_(prepare(session, put_sql, row_, columns::use)) {}

void PolicyStateTable::put(const PolicyState& state) {
  row_.state = state;
  const auto& failure = state.last_failure;
  row_.failure_kind = failure ? std::optional(failure->kind) : std::nullopt;
  row_.failure_message = failure ? failure->message : "";
  row_.failure_retry_after = failure ? failure->retry_after : std::nullopt;
  put_.execute(true);
}

void PolicyStateTable::remove(const std::vector<std::string>& names) {
  std::string name;
  soci::statement statement =
      (session_.prepare << "DELETE FROM policy_states WHERE policy = :policy", soci::use(name));
  for (const auto& each : names) {
    name = each;
    statement.execute(true);
  }
}

std::vector<PolicyState> PolicyStateTable::all() {
  Row row;
  auto select = prepare(session_, all_sql, row, columns::into);
  select.execute();
  std::vector<PolicyState> states;
  while (select.fetch()) {
    row.state.last_failure.reset();
    if (row.failure_kind) {
      row.state.last_failure = Failure{*row.failure_kind, row.failure_message, row.failure_retry_after};
    }
    states.push_back(row.state);
  }
  return states;
}

}  // namespace refsyncd
