import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { developer } from '../../src/auth/caller.js';
import { checkChangeLog } from '../../src/registry/log/hash-chain.js';
import { queryOnce } from '../database/support/temporary-databases.js';
import {
  brokenMigration,
  contacts,
  correctedMigration,
  type GatewayWithModules,
  openGatewayWithModules,
} from '../provisioning/support/gateway-with-own-modules.js';
import { uniqueName } from '../setup/database.js';

let testbed: GatewayWithModules;
beforeAll(async () => {
  testbed = await openGatewayWithModules({ name: 'alpha', migrations: contacts });
});
afterAll(() => testbed.close());

/** Sends a mutation under this request id, and returns its payload. */
async function change(requestId: string, name: string, input: object, selection = 'revision') {
  const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`;
  const response = await fetch(`${testbed.gateway.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-request-id': requestId },
    body: JSON.stringify({
      query: `mutation ($input: ${type}!) { result: ${name}(input: $input) { ${selection} } }`,
      variables: { input },
    }),
  });
  const { data, errors } = (await response.json()) as { data: { result: never }; errors?: unknown };
  expect(errors).toBeUndefined();
  return data.result as { operation: { id: string } | null };
}

interface Entry {
  kind: string;
  requestId: string | null;
  actor: string;
  module: string | null;
  revision: string;
}

/** Entries of the tenant, oldest first. */
async function entriesOf(tenantId: string): Promise<Entry[]> {
  const { data, errors } = await testbed.gateway.ask(
    `query ($id: ID) { auditLog(tenantId: $id, first: 100) { edges { node { kind: kindText requestId actor module revision } } } }`,
    { id: tenantId },
  );
  expect(errors).toEqual([]);
  return data.auditLog.edges.map(({ node }: { node: Entry }) => node).reverse();
}

/** "kind request": one line per revision. */
async function revisionsOf(tenantId: string): Promise<string[]> {
  const lines = new Map<string, string[]>();
  for (const { kind, requestId, revision } of await entriesOf(tenantId))
    lines.set(revision, [...(lines.get(revision) ?? []), `${kind} ${requestId ?? '-'}`]);
  return [...lines.values()].map((line) => line.join(', '));
}

async function registered(): Promise<{ id: string; slug: string }> {
  const slug = uniqueName('t');
  const { tenant } = (await change(
    'register',
    'registerTenant',
    { name: slug, slug },
    'tenant { id slug }',
  )) as never;
  return tenant;
}

test('an operation that fails and is retried has entries with the request of each attempt, in the revisions of what it changes', async () => {
  await testbed.write('alpha/0003_half.sql', brokenMigration);
  onTestFinished(() => testbed.remove('alpha/0003_half.sql'));
  const { id } = await registered();
  const before = (await revisionsOf(id)).length;
  const { operation } = await change(
    'first',
    'subscribeTenantToModule',
    { tenantId: id, module: 'alpha' },
    'operation { id }',
  );
  await testbed.write('alpha/0003_half.sql', correctedMigration);
  await change('second', 'retryOperation', { id: operation?.id });
  expect((await revisionsOf(id)).slice(before)).toEqual([
    'subscription.created first, operation.queued first',
    'operation.failed first, subscription.failed first',
    'subscription.provisioning second, operation.retried second',
    'operation.succeeded second, subscription.activated second',
  ]);
  const entries = (await entriesOf(id)).filter(({ kind }) => kind.startsWith('operation.'));
  expect(new Set(entries.map(({ actor, module }) => `${actor} ${module}`))).toEqual(
    new Set(['developer alpha']),
  );
});

test('a cancelled purge has entries of its request and of its cancellation, and a purge that restoreTenant ends', async () => {
  const { id } = await registered();
  const before = (await revisionsOf(id)).length;
  await change('delete', 'deleteTenant', { tenantId: id });
  const { operation } = await change('purge', 'purgeTenant', { tenantId: id }, 'operation { id }');
  await change('cancel', 'cancelOperation', { id: operation?.id });
  await change('again', 'purgeTenant', { tenantId: id });
  await change('restore', 'restoreTenant', { tenantId: id });
  expect((await revisionsOf(id)).slice(before)).toEqual([
    'tenant.deleted delete',
    'operation.queued purge',
    'operation.cancelled cancel',
    'operation.queued again',
    'tenant.restored restore, operation.cancelled restore',
  ]);
});

test('an update of guards has no entry while it goes well, and no revision of its own', async () => {
  const { id } = await registered();
  await change('subscribe', 'subscribeTenantToModule', { tenantId: id, module: 'alpha' });
  const before = (await revisionsOf(id)).length;
  await change('suspend', 'suspendTenant', { tenantId: id, reason: 'unpaid', wait: 'EVERYWHERE' });
  await expect
    .poll(() =>
      testbed.gateway.psql(`SELECT status FROM operations WHERE tenant_id = $1 AND kind = 'bind_storage'`, [
        id,
      ]),
    )
    .toEqual([{ status: 'succeeded' }]);
  expect((await revisionsOf(id)).slice(before)).toEqual(['tenant.suspended suspend']);
});

test('an update of guards that needs attention has an entry, and so have its retry and its success', async () => {
  const { id } = await registered();
  await change('subscribe', 'subscribeTenantToModule', { tenantId: id, module: 'alpha' });
  const before = (await revisionsOf(id)).length;
  const alpha = (sql: string) => queryOnce(testbed.url('alpha'), sql);
  await alpha('ALTER TABLE tenant_guard.binding RENAME TO binding_aside');
  onTestFinished(
    async () => void (await alpha('ALTER TABLE IF EXISTS tenant_guard.binding_aside RENAME TO binding')),
  );
  await change('suspend', 'suspendTenant', { tenantId: id, reason: 'unpaid', wait: 'EVERYWHERE' });
  await expect
    .poll(async () => (await revisionsOf(id)).slice(before))
    .toEqual(['tenant.suspended suspend', 'operation.needs_attention suspend']);
  await alpha('ALTER TABLE tenant_guard.binding_aside RENAME TO binding');
  const [binding] = await testbed.gateway.psql<{ id: string }>(
    `SELECT id FROM operations WHERE tenant_id = $1 AND kind = 'bind_storage'`,
    [id],
  );
  await change('retry', 'retryOperation', { id: binding?.id });
  expect((await revisionsOf(id)).slice(before + 2)).toEqual([
    'operation.retried retry',
    'operation.succeeded retry',
  ]);
});

test('entries about operations are no changes of routes, and cached routes stay valid', async () => {
  const { id } = await registered();
  await change('subscribe', 'subscribeTenantToModule', { tenantId: id, module: 'alpha' });
  const follower = testbed.gateway.app.gateway?.freshness.follower;
  const [made] = await testbed.gateway.psql<{ id: string }>(
    `INSERT INTO operations (kind, tenant_id, actor, run_after) VALUES ('purge_tenant', $1, 'somebody', 'infinity') RETURNING id`,
    [id],
  );
  const floor = follower?.floorOf(id);
  await testbed.gateway.psql(
    `UPDATE operations SET status = 'cancelled', finished_at = now() WHERE id = $1`,
    [made?.id],
  );
  expect((await revisionsOf(id)).slice(-2)).toEqual(['operation.queued -', 'operation.cancelled -']);
  expect(follower?.floorOf(id)).toBe(floor);
  const changes = await testbed.gateway.app.gateway?.freshness.changes.changesAfter(
    0n,
    follower?.position?.revision ?? 0n,
  );
  expect(changes?.filter(({ kind }) => kind.startsWith('operation.'))).toEqual([]);
  expect(changes?.length).toBeGreaterThan(0);
});

test.each([
  ['r-1', 'r-1'],
  ['A.b_c:9', 'A.b_c:9'],
  ['x'.repeat(128), 'x'.repeat(128)],
  ['x'.repeat(129), null],
  ['two words', null],
  ['line\nfeed', null],
  ['', null],
])('a change by SQL under the request id %j is in the log with %j', async (given, kept) => {
  const { id } = await registered();
  await testbed.gateway.psql(
    `WITH set AS MATERIALIZED (SELECT set_config('registry.request_id', $2, false))
     UPDATE tenants SET name = name || length(set_config) FROM set WHERE id = $1`,
    [id, given],
  );
  expect((await entriesOf(id)).at(-1)).toMatchObject({ kind: 'tenant.updated', requestId: kept });
});

test('the chain covers the request, and an entry without one is hashed as before there were requests', async () => {
  const problems: unknown[] = [];
  const check = () =>
    checkChangeLog(testbed.gateway.app.commandsFor(developer), {
      onProblem: (problem) => problems.push(problem),
    });
  expect((await check()).problems).toBe(0);
  const [old] = await testbed.gateway.psql(
    `SELECT count(*)::int AS entries, bool_and(hash = sha256(previous_hash || convert_to(jsonb_build_array(
       revision, position, tenant_id, tenant_slug, module, kind, entity_id, actor, database_role, before, after,
       to_char(changed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'))::text, 'UTF8'))) AS "isSame"
     FROM registry_change WHERE request_id IS NULL`,
  );
  expect(old).toEqual({ entries: expect.any(Number), isSame: true });
  const tamper = (set: string, where: string) =>
    testbed.gateway.psql(
      `BEGIN; SET LOCAL session_replication_role = replica;
       UPDATE registry_change SET request_id = ${set} WHERE (revision, position) = (SELECT revision, position FROM registry_change WHERE ${where} LIMIT 1);
       COMMIT`,
    );
  await tamper(`'other'`, `request_id = 'first'`);
  await tamper('NULL', `request_id = 'suspend'`);
  await tamper(`'added'`, 'request_id IS NULL');
  await check();
  expect(problems.map((problem) => (problem as { code: string }).code)).toEqual(
    Array(3).fill('ENTRY_ALTERED'),
  );
});
