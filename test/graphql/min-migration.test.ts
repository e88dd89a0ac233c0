import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { openTwoGateways, type TwoGateways } from '../feed/support/two-gateways.js';
import { locksHere } from '../setup/locks.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';

let gateways: TwoGateways;
beforeAll(async () => {
  gateways = await openTwoGateways();
});
afterAll(() => gateways.close());

/** The newest migration of a tenant that was provisioned now. */
const newest = 'finance/0002_invoice_numbering.sql';

const rolloutId = '00000000-0000-4000-8000-000000000001';

let acme: StoryTenant;
beforeEach(async () => {
  acme = await aTenant().subscribedTo('finance').at(gateways.one);
  await psql('DELETE FROM rollout_tenants');
});

function psql(sql: string, parameters: unknown[] = []) {
  return gateways.one.psql(sql, parameters);
}

function setVersion(version: string | null) {
  return psql('UPDATE module_subscriptions SET migration_version = $2 WHERE tenant_id = $1', [
    acme.id,
    version,
  ]);
}

/** A rollout with the tenant in this status. */
async function beginRollout(status: string, tenantStatus: string, target = newest): Promise<void> {
  await psql(
    `INSERT INTO rollouts (id, module, status, target_version, files, lock_timeout_ms, statement_timeout_ms, created_by)
     VALUES ($1, 'finance', 'running', $2, '[]', 1000, 1000, 'operator:test')
     ON CONFLICT (id) DO UPDATE SET target_version = $2`,
    [rolloutId, target],
  );
  await psql(
    "UPDATE rollouts SET status = $2::rollout_status, finished_at = CASE $2 WHEN 'failed' THEN now() END WHERE id = $1",
    [rolloutId, status],
  );
  await psql(
    `INSERT INTO rollout_tenants (rollout_id, tenant_id, wave, status, generation) VALUES ($1, $2, 0, $3::rollout_tenant_status, 1)`,
    [rolloutId, acme.id, tenantStatus],
  );
}

/** The newest migration of the tenant, or the code of the refusal, at each door that resolves. */
async function resolveEverywhere(minMigration: string | null, gateway = gateways.one): Promise<Set<string>> {
  const { data, codes } = await gateway.ask(
    `query ($id: ID!, $min: String) {
       cached: tenantSchema(id: $id, module: "finance", minMigration: $min) { migrationVersion }
       strong: tenantSchema(id: $id, module: "finance", consistency: STRONG, minMigration: $min) { migrationVersion }
       many: tenantSchemas(keys: [{ id: $id, module: "finance", minMigration: $min }]) {
         ... on TenantSchema { migrationVersion } ... on TenantSchemaRefusal { code asOf } }
       explained: explainResolution(id: $id, module: "finance", minMigration: $min) { code gate route { migrationVersion } } }`,
    { id: acme.id, min: minMigration },
  );
  const [many] = data.many;
  const { explained } = data;
  // A refusal that ends without a new revision must not be kept by clients.
  expect(many.asOf ?? null).toBeNull();
  expect(explained.gate).toBe(explained.code === null ? null : 'SUBSCRIPTION');
  const routes = [data.cached, data.strong, many.code ? undefined : many, explained.route];
  return new Set([
    ...routes.flatMap((route) => (route ? [route.migrationVersion] : [])),
    ...codes,
    ...[many.code, explained.code].filter(Boolean),
  ]);
}

describe('a tenant is resolved', () => {
  test.each([null, '0001', '0002', newest, '0002_invoice_numbering'])(
    'when %s is required',
    async (wanted) => {
      expect(await resolveEverywhere(wanted)).toEqual(new Set([newest]));
    },
  );
});

describe('a tenant that is behind is refused', () => {
  test.each<[what: string, rollout: [string, string, string?] | undefined, code: string]>([
    ['no rollout', undefined, 'SCHEMA_BEHIND'],
    ['a running rollout that is to migrate it', ['running', 'queued'], 'SCHEMA_MIGRATING'],
    ['a running rollout that migrates it now', ['running', 'running'], 'SCHEMA_MIGRATING'],
    [
      'a running rollout to an older file',
      ['running', 'queued', 'finance/0001_accounts.sql'],
      'SCHEMA_BEHIND',
    ],
    ['a running rollout in which it failed', ['running', 'failed'], 'SCHEMA_BEHIND'],
    ['a running rollout in which it is blocked', ['running', 'blocked'], 'SCHEMA_BEHIND'],
    ['a running rollout that left it out', ['running', 'skipped'], 'SCHEMA_BEHIND'],
    ['a paused rollout', ['paused', 'queued'], 'SCHEMA_BEHIND'],
    ['a rollout that has ended', ['failed', 'failed'], 'SCHEMA_BEHIND'],
  ])('with %s', async (_what, rollout, code) => {
    await setVersion('finance/0001_accounts_receivable.sql');
    if (rollout) await beginRollout(...rollout);
    await gateways.one.app.gateway?.freshness.follower.poll();
    expect(await resolveEverywhere('0002')).toEqual(new Set([code]));
    expect(await resolveEverywhere('0001')).toEqual(new Set(['finance/0001_accounts_receivable.sql']));
  });

  test.each([null, '_every/0001_settings_and_activity_log.sql'])('at migration %s', async (version) => {
    await setVersion(version);
    await gateways.one.app.gateway?.freshness.follower.poll();
    expect(await resolveEverywhere('0001')).toEqual(new Set(['SCHEMA_BEHIND']));
  });

  test('that is migrated between the two reads of a request is to be asked for again, and not called behind', async () => {
    await setVersion('finance/0001_accounts_receivable.sql');
    await beginRollout('running', 'running');
    await gateways.one.app.gateway?.freshness.follower.poll();
    const migration = new pg.Client({ connectionString: gateways.one.registry.url });
    await migration.connect();
    onTestFinished(() => migration.end());
    await migration.query('BEGIN; LOCK TABLE rollout_tenants IN ACCESS EXCLUSIVE MODE');
    const asking = gateways.one.ask(
      'query ($id: ID!) { tenantSchema(id: $id, module: "finance", minMigration: "0002") { schemaName } }',
      { id: acme.id },
    );
    await expect
      .poll(() =>
        psql(
          `WITH ${locksHere} SELECT FROM locks_here WHERE relation = 'rollout_tenants'::regclass AND NOT granted`,
        ),
      )
      .toHaveLength(1);
    // As recordResults does, in one transaction.
    await migration.query('UPDATE module_subscriptions SET migration_version = $2 WHERE tenant_id = $1', [
      acme.id,
      newest,
    ]);
    await migration.query(
      `UPDATE rollout_tenants SET status = 'succeeded', to_version = '${newest}' WHERE tenant_id = '${acme.id}'`,
    );
    await migration.query('COMMIT');
    const { errors } = await asking;
    expect([errors[0]?.extensions.code, errors[0]?.message]).toEqual([
      'SCHEMA_MIGRATING',
      expect.stringContaining('it has been migrated since'),
    ]);
  });

  test('with 503 and, only while a rollout is on its way, the time after which to ask again', async () => {
    await setVersion('finance/0001_accounts_receivable.sql');
    const ask = async () => {
      const { errors } = await gateways.one.ask(
        'query ($id: ID!) { tenantSchema(id: $id, module: "finance", minMigration: "0002") { schemaName } }',
        { id: acme.id },
      );
      return errors[0];
    };
    await gateways.one.app.gateway?.freshness.follower.poll();
    const behind = await ask();
    expect(behind?.extensions).toMatchObject({
      code: 'SCHEMA_BEHIND',
      http: { status: 503 },
      retryable: false,
    });
    expect(behind?.message).toContain('startRollout');
    await beginRollout('running', 'queued');
    const migrating = await ask();
    expect(migrating?.extensions).toMatchObject({
      ...{ code: 'SCHEMA_MIGRATING', http: { status: 503 } },
      ...{ retryable: true, retryAfterMs: 1_000 },
    });
    expect(migrating?.message).toContain(rolloutId);
  });
});

test('a tenant that was just migrated is not refused by a gateway that holds the route from before', async () => {
  await setVersion('finance/0001_accounts_receivable.sql');
  await gateways.other.app.gateway?.freshness.follower.poll();
  // Memory has the route now.
  expect(await resolveEverywhere('0001', gateways.other)).toEqual(
    new Set(['finance/0001_accounts_receivable.sql']),
  );
  await setVersion(newest);
  // No poll: the gateway may still answer from its cache, but not refuse.
  expect(await resolveEverywhere('0002', gateways.other)).toEqual(new Set([newest]));
});

test.each([
  ['', 'expected the name of a migration'],
  ['_every/0001', 'is not a file of the module'],
  ['a/b/c', 'expected the name of a migration'],
])('minMigration %j is refused by its name at every door', async (minMigration, problem) => {
  const { errors } = await gateways.one.ask(
    `query ($id: ID!, $min: String) {
       tenantSchema(id: $id, module: "finance", minMigration: $min) { schemaName } }`,
    { id: acme.id, min: minMigration },
  );
  expect(errors).toMatchObject([
    { extensions: { code: 'VALIDATION_ERROR', fields: [{ field: 'minMigration' }] } },
  ]);
  expect(errors[0]?.message).toContain(problem);
  const many = await gateways.one.ask(
    `query ($keys: [TenantSchemaKey!]!) { tenantSchemas(keys: $keys) { __typename } }`,
    {
      keys: [
        { id: acme.id, module: 'finance' },
        { id: acme.id, module: 'finance', minMigration },
      ],
    },
  );
  expect(many.errors).toMatchObject([
    { extensions: { code: 'VALIDATION_ERROR', fields: [{ field: 'keys.1.minMigration' }] } },
  ]);
});
