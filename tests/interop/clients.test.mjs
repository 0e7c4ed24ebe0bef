// The published clients of the API drive a running agent. tests/e2e/interop_test.py starts it and passes, as JSON in
// REFSYNCD_INTEROP: url, org, tokens {full, reader}, upstreams {app, broken}, tips {main, topic}.
import assert from 'node:assert/strict';
import http from 'node:http';
import { before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { Mesa } from '@mesadev/sdk';
import * as rest from '@mesadev/rest';

const given = JSON.parse(process.env.REFSYNCD_INTEROP);
const mesa = new Mesa({ apiKey: given.tokens.full, apiUrl: given.url });
const reader = new Mesa({ apiKey: given.tokens.reader, apiUrl: given.url });
const idOfTime = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** The sync once it has ended. */
async function ended(repo, sync) {
  for (let tries = 0; tries < 300; ++tries) {
    const now = await mesa.repos.getUpstreamSync({ repo, syncId: sync.id });
    if (now.status === 'completed' || now.status === 'failed') return now;
    assert.equal(now.stats, null);
    await sleep(50);
  }
  throw new Error(`sync ${sync.id} does not end`);
}

const synced = async (repo, direction, ref_globs) =>
  ended(repo, await mesa.repos.syncUpstream({ repo, direction, ref_globs }));

const outcomes = (sync) => Object.fromEntries(sync.stats.refs.map((ref) => [ref.name, ref.outcome]));

async function refused(status, promise) {
  const error = await promise.then(() => assert.fail(`was not refused with ${status}`), (e) => e);
  assert.equal(error.status, status, `${error.status} ${error.code}: ${error.message}`);
  assert.ok(error.code, 'an error has a code');
  assert.ok(error.message, 'an error has a message');
  return error;
}

before(async () => {
  await mesa.repos.create({ name: 'app', upstream: { url: given.upstreams.app }, tags: { team: 'core' } });
});

test('whoami names the organisation, the key and its scopes', async () => {
  const me = await mesa.whoami();
  assert.equal(me.org.slug, given.org);
  assert.deepEqual([...me.scopes].sort(), ['admin', 'read', 'write']);
  assert.equal(me.key_name, 'full');
  assert.deepEqual((await reader.whoami()).scopes, ['read']);
});

test('a repository made with an upstream is empty and public', async () => {
  const repo = await mesa.repos.create({ name: 'fresh', upstream: { url: given.upstreams.app } });
  assert.match(repo.id, idOfTime);
  assert.equal(repo.org, given.org);
  assert.equal(repo.head_change_id, 'z'.repeat(32));
  assert.deepEqual(repo.upstream, { url: given.upstreams.app, auth_kind: null, latest_sync: null });
  await refused(409, mesa.repos.create({ name: 'fresh' }));
});

test('a pull brings every ref, and again finds them unchanged', async () => {
  const sync = await mesa.repos.syncUpstream({ repo: 'app', direction: 'pull' });
  assert.match(sync.id, idOfTime);
  assert.deepEqual(sync.ref_globs, { branches: '*', tags: '*' });
  const first = await ended('app', sync);
  assert.equal(first.error, null);
  assert.equal(first.attempt, 1);
  assert.deepEqual(outcomes(first), {
    'refs/heads/main': 'updated', 'refs/heads/topic': 'updated', 'refs/tags/v1': 'updated' });
  const main = first.stats.refs.find((ref) => ref.name === 'refs/heads/main');
  assert.deepEqual([main.before, main.after], [null, given.tips.main]);
  for (const time of ['created_at', 'started_at', 'finished_at']) {
    assert.equal(new Date(first[time]).toISOString(), first[time]);
  }
  const second = await synced('app', 'pull');
  assert.ok(second.stats.refs.every((ref) => ref.outcome === 'unchanged' && ref.before === ref.after));
  const repo = await mesa.repos.get({ repo: 'app' });
  assert.equal(repo.upstream.latest_sync.id, second.id);
  assert.match(repo.head_change_id, /^[k-z]{32}$/);
  assert.notEqual(repo.head_change_id, 'z'.repeat(32));
});

test('globs choose refs, and one that is absent matches nothing', async () => {
  const branches = await synced('app', 'pull', { branches: 'to*' });
  assert.deepEqual(branches.ref_globs, { branches: 'to*', tags: '' });
  assert.deepEqual(Object.keys(outcomes(branches)), ['refs/heads/topic']);
  const tags = await synced('app', 'pull', { tags: 'v*' });
  assert.deepEqual(tags.ref_globs, { branches: '', tags: 'v*' });
  assert.deepEqual(Object.keys(outcomes(tags)), ['refs/tags/v1']);
});

test('a push goes the other way', async () => {
  const all = await synced('app', 'push');
  assert.equal(all.direction, 'push');
  assert.ok(Object.values(outcomes(all)).every((outcome) => outcome === 'unchanged'));
  const some = await synced('app', 'push', { branches: 'main' });
  assert.deepEqual(outcomes(some), { 'refs/heads/main': 'unchanged' });
});

test('a sync that cannot work fails and says why', async () => {
  await mesa.repos.create({ name: 'broken', upstream: { url: given.upstreams.broken } });
  const sync = await synced('broken', 'pull');
  assert.equal(sync.status, 'failed');
  assert.ok(sync.error);
  assert.equal(sync.stats, null);
});

test('lists come in pages, each entry once', async () => {
  const ids = [];
  let cursor;
  do {
    const page = await mesa.repos.listUpstreamSyncs({ repo: 'app', limit: 2, cursor });
    assert.ok(page.syncs.length <= 2);
    assert.equal(page.has_more, page.next_cursor !== null);
    ids.push(...page.syncs.map((sync) => sync.id));
    cursor = page.next_cursor ?? undefined;
  } while (cursor);
  assert.ok(ids.length >= 4);
  assert.equal(new Set(ids).size, ids.length);
  assert.deepEqual(ids, [...ids].sort().reverse(), 'newest first');

  const names = [];
  do {
    const page = await mesa.repos.list({ limit: 1, cursor });
    names.push(...page.repos.map((repo) => repo.name));
    cursor = page.next_cursor ?? undefined;
  } while (cursor);
  assert.deepEqual([...names].sort(), [...new Set(names)].sort());
  assert.ok(names.includes('app') && names.includes('fresh') && names.includes('declared'));
});

test('a repository is changed, renamed and deleted', async () => {
  await mesa.repos.create({ name: 'changing', upstream: {
    url: given.upstreams.app, auth: { kind: 'username_password', username: 'u', password: 'p' } } });
  assert.equal((await mesa.repos.get({ repo: 'changing' })).upstream.auth_kind, 'username_password');
  const tagged = await mesa.repos.update({ repo: 'changing', tags: { tier: '1' }, upstream: { url: given.upstreams.app, auth: null } });
  assert.deepEqual(tagged.tags, { tier: '1' });
  assert.deepEqual((await mesa.repos.update({ repo: 'changing', tags: { tier: null } })).tags, {});
  assert.equal(tagged.upstream.auth_kind, null);
  const renamed = await mesa.repos.update({ repo: 'changing', name: 'changed' });
  assert.equal(renamed.name, 'changed');
  await refused(404, mesa.repos.get({ repo: 'changing' }));
  const alone = await mesa.repos.update({ repo: 'changed', upstream: null });
  assert.equal(alone.upstream, null);
  await refused(409, mesa.repos.syncUpstream({ repo: 'changed', direction: 'pull' }));
  await mesa.repos.delete({ repo: 'changed' });
  await refused(404, mesa.repos.get({ repo: 'changed' }));
});

test('what the configuration file declares is seen and not changed', async () => {
  assert.equal((await mesa.repos.get({ repo: 'declared' })).upstream.url, given.upstreams.app);
  await refused(409, mesa.repos.delete({ repo: 'declared' }));
});

test('callers without the right are refused', async () => {
  const stranger = new Mesa({ apiKey: 'mesa_wrong', apiUrl: given.url, org: given.org });
  await refused(401, stranger.repos.list());
  await refused(403, reader.repos.syncUpstream({ repo: 'app', direction: 'pull' }));
  await refused(403, reader.webhookTargets.list());
  assert.ok((await reader.repos.list()).repos.length > 0);
});

test('what is not there is 404, what is malformed 400', async () => {
  await refused(404, mesa.repos.syncUpstream({ repo: 'nowhere', direction: 'pull' }));
  await refused(404, mesa.repos.getUpstreamSync({ repo: 'app', syncId: '01890000-0000-7000-8000-000000000000' }));
  await refused(404, mesa.repos.get({ org: 'another', repo: 'app' }));
  await refused(404, mesa.bookmarks.list({ repo: 'app' }));
  await refused(400, mesa.repos.syncUpstream({ repo: 'app', direction: 'sideways' }));
  await refused(400, mesa.repos.syncUpstream({ repo: 'app', direction: 'pull', ref_globs: {} }));
  await refused(400, mesa.repos.list({ limit: 1000 }));
});

test('the generated client reads the same', async () => {
  const options = { baseUrl: given.url, headers: { Authorization: `Bearer ${given.tokens.full}` } };
  const me = await rest.whoami(options);
  assert.equal(me.response.status, 200);
  assert.equal(me.data.org.slug, given.org);
  const missing = await rest.getRepo({ ...options, path: { org: given.org, repo: 'nowhere' } });
  assert.equal(missing.response.status, 404);
  assert.equal(typeof missing.error.error.message, 'string');
});

test('webhooks are accepted by the SDK for all four events', async (context) => {
  const events = [];
  const problems = [];
  let receiver;
  const server = http.createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    try {
      await receiver.webhooks.receive(new Request('http://receiver/', {
        method: request.method, headers: request.headers, body: Buffer.concat(chunks) }));
      response.writeHead(204).end();
    } catch (error) {
      problems.push(error);
      response.writeHead(500).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => server.close());

  const names = ['sync.queued', 'sync.in_progress', 'sync.completed', 'sync.failed'];
  const target = await mesa.webhookTargets.create({
    name: 'here', url: `http://127.0.0.1:${server.address().port}/hook`, events: names });
  assert.ok(target.secret);
  receiver = new Mesa({ apiKey: given.tokens.full, apiUrl: given.url, webhookSecret: target.secret });
  receiver.webhooks.on(names, (event) => events.push(event));

  const good = await synced('app', 'pull');
  const bad = await synced('broken', 'pull');
  const told = (sync) => events.filter((event) => event.data.sync.id === sync.id).map((event) => event.type);
  for (let tries = 0; tries < 200 && told(good).length + told(bad).length < 6; ++tries) await sleep(50);
  assert.deepEqual(problems, []);
  assert.deepEqual(told(good), ['sync.queued', 'sync.in_progress', 'sync.completed']);
  assert.deepEqual(told(bad), ['sync.queued', 'sync.in_progress', 'sync.failed']);
  assert.equal(events[0].repository.name, 'app');
  assert.equal(events[0].organization.slug, given.org);

  const listed = await mesa.webhookTargets.list();
  assert.deepEqual(listed.webhook_targets.map((t) => t.id), [target.id]);
  assert.ok(!JSON.stringify(listed).includes(target.secret), 'the secret is told once');
  const updated = await mesa.webhookTargets.update({ webhookTargetId: target.id, events: ['sync.failed'] });
  assert.deepEqual(updated.events, ['sync.failed']);
  await mesa.webhookTargets.delete({ webhookTargetId: target.id });
});
