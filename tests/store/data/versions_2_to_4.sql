-- What versions 2 to 4 add to a file of the first, and a repository that was made through the API.
ALTER TABLE repositories ADD COLUMN made_by_api INTEGER NOT NULL DEFAULT 0;
ALTER TABLE repositories ADD COLUMN default_bookmark TEXT NOT NULL DEFAULT '';
ALTER TABLE repositories ADD COLUMN tags TEXT NOT NULL DEFAULT '';
ALTER TABLE repositories ADD COLUMN upstream_url TEXT NOT NULL DEFAULT '';
ALTER TABLE repositories ADD COLUMN auth_kind TEXT NOT NULL DEFAULT 'none';
ALTER TABLE repositories ADD COLUMN username TEXT NOT NULL DEFAULT '';
ALTER TABLE repositories ADD COLUMN credential TEXT NOT NULL DEFAULT '';
CREATE INDEX syncs_by_repo_id ON syncs (repo_id, created_at);
CREATE TABLE webhook_targets (
  id TEXT PRIMARY KEY,
  name TEXT,
  url TEXT NOT NULL,
  events TEXT NOT NULL,
  repo_ids TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE deliveries (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  target_id TEXT NOT NULL,
  repo_id TEXT NOT NULL,
  event TEXT NOT NULL,
  payload TEXT NOT NULL,
  occurred_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  next_try INTEGER NOT NULL,
  dead_since INTEGER);
CREATE INDEX deliveries_by_target ON deliveries (target_id);
CREATE INDEX deliveries_pending ON deliveries (seq) WHERE dead_since IS NULL;
CREATE INDEX deliveries_dead ON deliveries (dead_since) WHERE dead_since IS NOT NULL;
ALTER TABLE policy_states ADD COLUMN last_change INTEGER;
INSERT INTO repositories VALUES ('1', 'local', 'made', 5, 1, 'trunk', 'empty' || char(9) || char(10) || 'team' || char(9) ||
  'core=1' || char(10), 'https://example.org/app', 'username_password', 'bot', 'c1');
PRAGMA user_version = 4;
