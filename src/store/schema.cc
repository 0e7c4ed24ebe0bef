#include "store/schema.h"

#include <fmt/format.h>

#include <array>
#include <span>
#include <string_view>

#include "store/database.h"

namespace refsyncd {
namespace {

constexpr std::string_view version_1[] = {
    R"(CREATE TABLE repositories (
         id TEXT PRIMARY KEY,
         org TEXT NOT NULL,
         name TEXT NOT NULL,
         created_at INTEGER NOT NULL,
         UNIQUE (org, name)) WITHOUT ROWID)",

    // `content` is what store/ref_list encodes; lists are kept once, whoever needs them.
    R"(CREATE TABLE ref_lists (
         id INTEGER PRIMARY KEY,
         digest TEXT NOT NULL UNIQUE,
         content BLOB NOT NULL))",

    // A sync's refs are the list `ref_list` with the differences `ref_delta`; both NULL while it has none.
    R"(CREATE TABLE syncs (
         seq INTEGER PRIMARY KEY,
         id TEXT NOT NULL UNIQUE,
         repo_id TEXT NOT NULL,
         repo TEXT NOT NULL,
         direction TEXT NOT NULL,
         branches TEXT NOT NULL,
         tags TEXT NOT NULL,
         exclude_branches TEXT NOT NULL,
         exclude_tags TEXT NOT NULL,
         force INTEGER NOT NULL,
         prune INTEGER NOT NULL,
         timeout INTEGER NOT NULL,
         priority TEXT NOT NULL,
         policy TEXT NOT NULL,
         status TEXT NOT NULL,
         attempt INTEGER NOT NULL,
         created_at INTEGER NOT NULL,
         started_at INTEGER,
         finished_at INTEGER,
         failure_kind TEXT,
         failure_message TEXT NOT NULL,
         failure_retry_after INTEGER,
         updated INTEGER NOT NULL,
         unchanged INTEGER NOT NULL,
         filtered INTEGER NOT NULL,
         rejected INTEGER NOT NULL,
         ref_list INTEGER REFERENCES ref_lists (id),
         ref_delta BLOB))",
    "CREATE INDEX syncs_by_time ON syncs (created_at)",
    "CREATE INDEX syncs_by_repo ON syncs (repo, created_at)",
    "CREATE INDEX syncs_unfinished ON syncs (created_at) WHERE status IN ('queued', 'in_progress')",
    "CREATE INDEX syncs_by_ref_list ON syncs (ref_list) WHERE ref_list IS NOT NULL",

    R"(CREATE TABLE policy_states (
         policy TEXT PRIMARY KEY,
         phase TEXT NOT NULL,
         trigger TEXT NOT NULL,
         attempt INTEGER NOT NULL,
         sync_id TEXT NOT NULL,
         retry_at INTEGER NOT NULL,
         last_due INTEGER,
         last_attempt INTEGER,
         last_success INTEGER,
         not_before INTEGER,
         consecutive_failures INTEGER NOT NULL,
         failure_kind TEXT,
         failure_message TEXT NOT NULL,
         failure_retry_after INTEGER,
         updated INTEGER NOT NULL,
         unchanged INTEGER NOT NULL,
         filtered INTEGER NOT NULL,
         rejected INTEGER NOT NULL) WITHOUT ROWID)",
};

// Repositories made through the API have their definition here. `tags` holds a line "key<TAB>value" each.
constexpr std::string_view version_2[] = {
    "ALTER TABLE repositories ADD COLUMN made_by_api INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE repositories ADD COLUMN default_bookmark TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE repositories ADD COLUMN tags TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE repositories ADD COLUMN upstream_url TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE repositories ADD COLUMN auth_kind TEXT NOT NULL DEFAULT 'none'",
    "ALTER TABLE repositories ADD COLUMN username TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE repositories ADD COLUMN credential TEXT NOT NULL DEFAULT ''",
    "CREATE INDEX syncs_by_repo_id ON syncs (repo_id, created_at)",
};

constexpr std::string_view version_3[] = {
    // `events` and `repo_ids` are lists with commas; repo_ids NULL = all repositories.
    R"(CREATE TABLE webhook_targets (
         id TEXT PRIMARY KEY,
         name TEXT,
         url TEXT NOT NULL,
         events TEXT NOT NULL,
         repo_ids TEXT,
         created_at INTEGER NOT NULL,
         updated_at INTEGER NOT NULL) WITHOUT ROWID)",

    R"(CREATE TABLE deliveries (
         seq INTEGER PRIMARY KEY,
         id TEXT NOT NULL UNIQUE,
         target_id TEXT NOT NULL,
         repo_id TEXT NOT NULL,
         event TEXT NOT NULL,
         payload TEXT NOT NULL,
         occurred_at INTEGER NOT NULL,
         attempts INTEGER NOT NULL,
         next_try INTEGER NOT NULL,
         dead_since INTEGER))",
    "CREATE INDEX deliveries_by_target ON deliveries (target_id)",
    "CREATE INDEX deliveries_pending ON deliveries (seq) WHERE dead_since IS NULL",
    "CREATE INDEX deliveries_dead ON deliveries (dead_since) WHERE dead_since IS NOT NULL",
};

constexpr std::string_view version_4[] = {
    "ALTER TABLE policy_states ADD COLUMN last_change INTEGER",
};

// A repository that is deleted keeps its row until its files are gone; its name is free.
constexpr std::string_view version_5[] = {
    R"(CREATE TABLE repositories_5 (
         id TEXT PRIMARY KEY,
         org TEXT NOT NULL,
         name TEXT NOT NULL,
         created_at INTEGER NOT NULL,
         made_by_api INTEGER NOT NULL,
         default_bookmark TEXT NOT NULL,
         tags TEXT NOT NULL,
         upstream_url TEXT NOT NULL,
         auth_kind TEXT NOT NULL,
         username TEXT NOT NULL,
         credential TEXT NOT NULL,
         deleted INTEGER NOT NULL) WITHOUT ROWID)",
    R"(INSERT INTO repositories_5
         SELECT id, org, name, created_at, made_by_api, default_bookmark, tags, upstream_url, auth_kind,
                username, credential, 0 FROM repositories)",
    "DROP TABLE repositories",
    "ALTER TABLE repositories_5 RENAME TO repositories",
    "CREATE UNIQUE INDEX repositories_by_name ON repositories (org, name) WHERE deleted = 0",
};

// A delivery whose body shows refs names the sync that has them, so that they are not written again. Those
// from before hold the whole body.
constexpr std::string_view version_6[] = {
    "ALTER TABLE deliveries ADD COLUMN refs_of TEXT NOT NULL DEFAULT ''",
};

/// The statements of each version, in order; the first makes version 1.
constexpr std::array<std::span<const std::string_view>, schema_version> migrations{
    version_1, version_2, version_3, version_4, version_5, version_6};

}  // namespace

void migrate_schema(soci::session& session, int from) {
  for (int version = from; version < schema_version; ++version) {
    Transaction upgrade(session);
    for (const auto statement : migrations[static_cast<size_t>(version)]) session << std::string(statement);
    session << fmt::format("PRAGMA user_version = {}", version + 1);
    upgrade.commit();
  }
}

}  // namespace refsyncd
