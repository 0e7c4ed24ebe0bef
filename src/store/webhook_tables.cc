#include "store/webhook_tables.h"

#include "base/text.h"
#include "store/columns.h"

namespace refsyncd {
namespace {

/// Of each target; an unreachable one has many, and nobody looks through more.
constexpr size_t most_dead_kept = 10'000;

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ",") + word;
  return text;
}

std::vector<std::string> words_of(const std::string& text) {
  const auto parts = split(text, ',');
  return {parts.begin(), parts.end()};
}

}  // namespace

void WebhookTables::apply(const WebhookChange& change) {
  std::visit([this](const auto& record) { put(record); }, change);
}

void WebhookTables::put(const WebhookTarget& target) {
  const auto events = join(target.events);
  const auto repo_ids = target.repo_ids ? std::optional(join(*target.repo_ids)) : std::nullopt;
  session_
      << "INSERT OR REPLACE INTO webhook_targets (id, name, url, events, repo_ids, created_at, updated_at) "
         "VALUES (:id, :name, :url, :events, :repo_ids, :created_at, :updated_at)",
      soci::use(target.id), soci::use(target.name), soci::use(target.url), soci::use(events),
      soci::use(repo_ids), soci::use(target.created_at), soci::use(target.updated_at);
  put_due(target.id);
}

/// A changed target may work where the former did not: nothing waits for its next try any longer.
void WebhookTables::put_due(const std::string& target_id) {
  session_
      << "UPDATE deliveries SET next_try = 0 WHERE target_id = :id AND dead_since IS NULL AND next_try > 0",
      soci::use(target_id);
}

void WebhookTables::put(const RemovedTarget& removed) {
  session_ << "DELETE FROM deliveries WHERE target_id = :id", soci::use(removed.id);
  session_ << "DELETE FROM webhook_targets WHERE id = :id", soci::use(removed.id);
}

void WebhookTables::put(const Delivery& delivery) {
  session_
      << "INSERT INTO deliveries (id, target_id, repo_id, event, payload, refs_of, occurred_at, attempts, "
         "next_try, dead_since) VALUES (:id, :target_id, :repo_id, :event, :payload, :refs_of, :occurred_at, "
         ":attempts, :next_try, :dead_since) ON CONFLICT (id) DO UPDATE SET attempts = excluded.attempts, "
         "next_try = excluded.next_try, dead_since = excluded.dead_since",
      soci::use(delivery.id), soci::use(delivery.target_id), soci::use(delivery.repo_id),
      soci::use(delivery.event), soci::use(*delivery.payload), soci::use(delivery.refs_of),
      soci::use(delivery.occurred_at), soci::use(delivery.attempts), soci::use(delivery.next_try),
      soci::use(delivery.dead_since);
}

void WebhookTables::put(const Delivered& delivered) {
  session_ << "DELETE FROM deliveries WHERE id = :id", soci::use(delivered.id);
}

void WebhookTables::put(const Abandoned& abandoned) {
  session_ << "UPDATE deliveries SET dead_since = :at WHERE id = :id", soci::use(abandoned.at),
      soci::use(abandoned.id);
}

std::vector<WebhookTarget> WebhookTables::targets() {
  WebhookTarget row;
  std::string events;
  std::optional<std::string> repo_ids;
  soci::statement select =
      (session_.prepare
           << "SELECT id, name, url, events, repo_ids, created_at, updated_at FROM webhook_targets "
              "ORDER BY created_at, id",
       soci::into(row.id), soci::into(row.name), soci::into(row.url), soci::into(events),
       soci::into(repo_ids), soci::into(row.created_at), soci::into(row.updated_at));
  select.execute();
  std::vector<WebhookTarget> targets;
  while (select.fetch()) {
    row.events = words_of(events);
    row.repo_ids = repo_ids ? std::optional(words_of(*repo_ids)) : std::nullopt;
    targets.push_back(row);
  }
  return targets;
}

std::vector<PendingDelivery> WebhookTables::pending() {
  PendingDelivery row;
  soci::statement select =
      (session_.prepare
           << "SELECT id, target_id, repo_id FROM deliveries WHERE dead_since IS NULL ORDER BY seq",
       soci::into(row.id), soci::into(row.target_id), soci::into(row.repo_id));
  select.execute();
  std::vector<PendingDelivery> pending;
  while (select.fetch()) pending.push_back(row);
  return pending;
}

std::optional<Delivery> WebhookTables::find(const std::string& id) {
  Delivery row;
  std::string payload;
  session_ << "SELECT id, target_id, repo_id, event, payload, refs_of, occurred_at, attempts, next_try, "
              "dead_since "
              "FROM deliveries WHERE id = :id",
      soci::use(id), soci::into(row.id), soci::into(row.target_id), soci::into(row.repo_id),
      soci::into(row.event), soci::into(payload), soci::into(row.refs_of), soci::into(row.occurred_at),
      soci::into(row.attempts), soci::into(row.next_try), soci::into(row.dead_since);
  if (!session_.got_data()) return std::nullopt;
  row.payload = std::make_shared<const std::string>(std::move(payload));
  return row;
}

size_t WebhookTables::dead() {
  long long count = 0;
  session_ << "SELECT count(*) FROM deliveries WHERE dead_since IS NOT NULL", soci::into(count);
  return static_cast<size_t>(count);
}

size_t WebhookTables::purge(WallTime before) {
  soci::statement remove =
      (session_.prepare << "DELETE FROM deliveries WHERE dead_since < :before", soci::use(before));
  remove.execute(true);
  soci::statement shorten =
      (session_.prepare
           << "DELETE FROM deliveries WHERE seq IN (SELECT seq FROM (SELECT seq, row_number() OVER "
              "(PARTITION BY target_id ORDER BY dead_since DESC, seq DESC) AS place FROM deliveries WHERE "
              "dead_since IS NOT NULL) WHERE place > :most)",
       soci::use(most_dead_kept));
  shorten.execute(true);
  return static_cast<size_t>(remove.get_affected_rows() + shorten.get_affected_rows());
}

}  // namespace refsyncd
