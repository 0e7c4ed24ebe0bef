#include "store/repository_table.h"

#include "base/text.h"
#include "store/columns.h"

namespace refsyncd {
namespace {

constexpr auto put_sql =
    "INSERT OR REPLACE INTO repositories (id, org, name, created_at, made_by_api, default_bookmark, tags, "
    "upstream_url, auth_kind, username, credential, deleted) VALUES (:id, :org, :name, :created_at, "
    ":made_by_api, :default_bookmark, :tags, :upstream_url, :auth_kind, :username, :credential, :deleted)";

constexpr auto all_sql =
    "SELECT id, org, name, created_at, made_by_api, default_bookmark, tags, upstream_url, auth_kind, "
    "username, "
    "credential, deleted FROM repositories ORDER BY org, name";

/// Neither keys nor values hold control characters.
std::string tags_text(const std::map<std::string, std::string>& tags) {
  std::string text;
  for (const auto& [key, value] : tags) text += key + '\t' + value + '\n';
  return text;
}

std::map<std::string, std::string> tags_from(std::string_view text) {
  std::map<std::string, std::string> tags;
  for (const auto line : split(text, '\n')) {
    const auto tab = line.find('\t');
    if (tab != line.npos) tags.emplace(line.substr(0, tab), line.substr(tab + 1));
  }
  return tags;
}

}  // namespace

/// Binds every column in the order of both statements above; `bind` is columns::use or columns::into.
template <class Bind>
soci::statement RepositoryTable::prepare(soci::session& session, const char* sql, Row& row, Bind bind) {
  auto prepared = session.prepare << sql;
  auto& r = row.record;
  auto& d = row.definition;
  prepared, bind(r.id), bind(r.org), bind(r.name), bind(r.created_at), bind(row.made_by_api),
      bind(d.default_bookmark), bind(row.tags), bind(d.upstream_url), bind(d.auth), bind(d.username),
      bind(d.credential), bind(row.deleted);
  return soci::statement(prepared);
}

RepositoryTable::RepositoryTable(soci::session& session)
    : session_(session), put_(prepare(session, put_sql, row_, columns::use)) {}

void RepositoryTable::put(const RepositoryRecord& repository) {
  if (repository.state == RepositoryState::gone) {
    session_ << "DELETE FROM repositories WHERE id = :id", soci::use(repository.id);
    return;
  }
  row_.record = repository;
  row_.made_by_api = repository.definition.has_value();
  row_.definition = repository.definition.value_or(RepositoryDefinition{});
  row_.deleted = repository.state == RepositoryState::deleted;
  row_.tags = tags_text(row_.definition.tags);
  put_.execute(true);
}

std::vector<RepositoryRecord> RepositoryTable::all() {
  Row row;
  auto select = prepare(session_, all_sql, row, columns::into);
  select.execute();
  std::vector<RepositoryRecord> all;
  while (select.fetch()) {
    row.definition.tags = tags_from(row.tags);
    row.record.definition = row.made_by_api ? std::optional(row.definition) : std::nullopt;
    row.record.state = row.deleted ? RepositoryState::deleted : RepositoryState::present;
    all.push_back(row.record);
  }
  return all;
}

}  // namespace refsyncd
