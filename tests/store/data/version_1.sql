-- A state file as the first version wrote it: one repository, one completed sync, one policy.
CREATE TABLE repositories (
  id TEXT PRIMARY KEY,
  org TEXT NOT NULL,
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  UNIQUE (org, name)) WITHOUT ROWID;
CREATE TABLE ref_lists (
  id INTEGER PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE,
  content BLOB NOT NULL);
CREATE TABLE syncs (
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
  ref_delta BLOB);
CREATE INDEX syncs_by_time ON syncs (created_at);
CREATE INDEX syncs_by_repo ON syncs (repo, created_at);
CREATE INDEX syncs_unfinished ON syncs (created_at) WHERE status IN ('queued', 'in_progress');
CREATE INDEX syncs_by_ref_list ON syncs (ref_list) WHERE ref_list IS NOT NULL;
CREATE TABLE policy_states (
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
  rejected INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO repositories VALUES ('0190f5fe-7c00-7a00-8000-0000000000aa', 'local', 'app', 1767605400000);
INSERT INTO syncs VALUES (1, '0190f5fe-7c00-7a00-8000-000000000001', '0190f5fe-7c00-7a00-8000-0000000000aa', 'app',
  'pull', '*', '*', '', '', 0, 0, 600000, 'scheduled', 'app-pull', 'completed', 1, 1767605401000, 1767605402000,
  1767605403000, NULL, '', NULL, 0, 0, 0, 0, NULL, NULL);
INSERT INTO policy_states VALUES ('app-pull', 'idle', 'scheduled', 1, '0190f5fe-7c00-7a00-8000-000000000001', 0,
  1767605400000, 1767605401000, 1767605403000, NULL, 0, NULL, '', NULL, 0, 0, 0, 0);
PRAGMA user_version = 1;
