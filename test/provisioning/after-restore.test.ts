import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { gateway as gatewayCaller } from '../../src/auth/caller.js';
import { findLostChanges, repairAfterRestore } from '../../src/provisioning/after-restore.js';
import { createGuardComparison } from '../../src/provisioning/compared-guards.js';
import { diagnose } from '../../src/provisioning/doctor/doctor.js';
import { exportToArchive } from '../../src/registry/log/audit-export.js';
import { copyDatabase, restoreDatabase, type TestDatabase, uniqueName } from '../setup/database.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { mutate } from '../setup/graphql-calls.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';
import {
  contacts,
  type GatewayWithModules,
  openGatewayWithModules,
} from './support/gateway-with-own-modules.js';

const crm = uniqueName('c');
const second = uniqueName('s');
let testbed: GatewayWithModules;
let folder: string;
const opened: TestDatabase[] = [];
beforeAll(async () => {
  testbed = await openGatewayWithModules(
    { name: crm, migrations: contacts, schemaPrefix: 'crm_' },
    { name: second, migrations: contacts, schemaPrefix: 'second_' },
  );
  folder = await mkdtemp(join(tmpdir(), 'tenant-registry-test-restore-'));
});
afterAll(async () => {
  await testbed?.close();
  for (const database of opened) await database.drop();
  await rm(folder, { recursive: true, force: true });
});

const contextOf = (gateway: TestGateway) => gateway.app.commandsFor(gatewayCaller);

async function runBindings(gateway: TestGateway): Promise<void> {
  const queued = await gateway.psql<{ id: string }>(
    `SELECT id FROM operations WHERE kind = 'bind_storage' AND status = 'queued' ORDER BY created_at`,
  );
  for (const { id } of queued) await contextOf(gateway).runOperation(id);
}

/** The codes of the findings by slug, sorted; '' for storage without a tenant. */
async function codesBySlug(gateway: TestGateway) {
  const found: Record<string, string[]> = {};
  for (const { code, tenantSlug, schema } of (await diagnose(contextOf(gateway), { modules: [crm] }))
    .findings) {
    const slug = tenantSlug ?? schema?.replace('crm_', '') ?? '';
    found[slug] = [...(found[slug] ?? []), code].sort();
  }
  return found;
}

/** Asks for the route and enters with it, as a service does: the path, or the code of the first refusal. */
async function visit(gateway: TestGateway, id: string, generation?: number): Promise<string> {
  const { data, codes } = await gateway.ask(
    `query ($id: ID!, $module: ModuleName!) { tenantSchema(id: $id, module: $module) { schemaName generation } }`,
    { id, module: crm },
  );
  if (codes[0]) return codes[0];
  const route = data.tenantSchema;
  return testbed
    .psql<{ path: string }>(
      crm,
      `SELECT tenant_guard.enter('${id}', '${route.schemaName}', ${generation ?? route.generation}) AS path`,
    )
    .then(([row]) => `in ${row?.path}`)
    .catch((error: Error) => /^[A-Z_]+/.exec(error.message)?.[0] ?? error.message);
}

interface Kind {
  change: (tenant: StoryTenant) => Promise<unknown>;
  before?: (tenant: StoryTenant) => Promise<unknown>;
  /** Findings after the registry was restored. */
  found: string[];
  /** What a service gets between the restore and the repair. */
  between: string;
  /** What is left after the repair, with a way out, and what a service then gets. */
  left: string[];
  after: string;
}

const tenantOf = (name: string) => (tenant: StoryTenant) =>
  mutate(testbed.gateway, name, {
    tenantId: tenant.id,
    ...(name === 'suspendTenant' && { reason: 'unpaid' }),
  });
const subscriptionOf = (name: string) => (tenant: StoryTenant) =>
  mutate(testbed.gateway, name, { tenantId: tenant.id, module: crm });

/** What a removal does at the service database. */
const removeStorage = ({ id, slug }: StoryTenant) =>
  testbed.psql(
    crm,
    `DROP SCHEMA crm_${slug} CASCADE; DELETE FROM tenant_guard.binding WHERE tenant_id = '${id}'`,
  );

const kinds: Record<string, Kind> = {
  nothing: { change: async () => undefined, found: [], between: 'in', left: [], after: 'in' },
  'a tenant suspended': {
    ...{ change: tenantOf('suspendTenant'), found: ['BINDING_OF_LOST_CHANGE'], between: 'TENANT_SUSPENDED' },
    ...{ left: [], after: 'TENANT_SUSPENDED' },
  },
  'a tenant resumed': {
    ...{ before: tenantOf('suspendTenant'), change: tenantOf('resumeTenant') },
    ...{ found: ['BINDING_STATE_DIFFERS'], between: 'TENANT_SUSPENDED', left: [], after: 'TENANT_SUSPENDED' },
  },
  'a tenant deleted': {
    ...{
      change: tenantOf('deleteTenant'),
      found: ['BINDING_OF_LOST_CHANGE'],
      between: 'MODULE_NOT_SUBSCRIBED',
    },
    ...{ left: [], after: 'TENANT_SUSPENDED' },
  },
  'a module suspended': {
    ...{ change: subscriptionOf('suspendSubscription'), found: ['BINDING_OF_LOST_CHANGE'] },
    ...{ between: 'TENANT_SUSPENDED', left: [], after: 'TENANT_SUSPENDED' },
  },
  'a module cancelled': {
    ...{ change: subscriptionOf('unsubscribeTenantFromModule'), found: ['BINDING_OF_LOST_CHANGE'] },
    ...{ between: 'MODULE_NOT_SUBSCRIBED', left: [], after: 'TENANT_SUSPENDED' },
  },
  'a module cancelled and subscribed again': {
    change: async (tenant) => {
      await subscriptionOf('unsubscribeTenantFromModule')(tenant);
      await subscriptionOf('subscribeTenantToModule')(tenant);
    },
    ...{ found: ['BINDING_OF_LOST_CHANGE'], between: 'ROUTE_STALE', left: [], after: 'in' },
  },
  'storage moved to another schema': {
    // As an administrator does it by hand.
    change: async ({ id, slug }) => {
      await testbed.psql(
        crm,
        `ALTER SCHEMA crm_${slug} RENAME TO crm_moved_${slug};
         UPDATE tenant_guard.binding SET schema_name = 'crm_moved_${slug}' WHERE tenant_id = '${id}';
         UPDATE tenant_guard.schema_version SET schema_name = 'crm_moved_${slug}' WHERE tenant_id = '${id}'`,
      );
      await testbed.gateway.psql(
        `UPDATE module_subscriptions SET schema_name = 'crm_moved_${slug}' WHERE tenant_id = '${id}'`,
      );
    },
    ...{ found: ['SCHEMA_MISSING'], between: 'ROUTE_STALE', left: ['SCHEMA_MISSING'], after: 'ROUTE_STALE' },
  },
  'storage removed': {
    change: removeStorage,
    ...{ found: ['SCHEMA_MISSING'], between: 'ROUTE_STALE', left: ['SCHEMA_MISSING'], after: 'ROUTE_STALE' },
  },
};

describe('a restore to an hour ago', { timeout: 240_000 }, () => {
  test('A restore of the registry to an hour ago with service databases of now: every difference found and repaired, no wrong route in between', async () => {
    const { gateway } = testbed;
    const tenants = new Map<string, StoryTenant>();
    for (const [kind, { before }] of Object.entries(kinds)) {
      const tenant = await aTenant().subscribedTo(crm).at(gateway);
      tenants.set(kind, tenant);
      await before?.(tenant);
    }
    await runBindings(gateway);
    const of = (kind: string) => tenants.get(kind) as StoryTenant;
    const backup = await copyDatabase(gateway.registry.name);
    opened.push(backup);

    for (const [kind, { change }] of Object.entries(kinds)) await change(of(kind));
    const since = await aTenant().subscribedTo(crm).at(gateway);
    await gateway.psql(
      `INSERT INTO api_keys (name, secret_hash, scopes) VALUES ('lost', sha256('lost'), '{registry:read}')`,
    );
    await gateway.psql(`INSERT INTO members (tenant_id, email) VALUES ($1, 'lost@example.com')`, [
      of('nothing').id,
    ]);
    await runBindings(gateway);
    await exportToArchive(gateway.app.database.pool, folder, {});

    await using restored = await openGateway({
      sharing: { registry: backup, serviceUrl: () => '' },
      config: testbed.config,
    });
    const expected = (field: 'found' | 'left') =>
      Object.fromEntries(
        Object.entries(kinds)
          .filter(([, kind]) => kind[field].length > 0)
          .map(([kind, row]) => [of(kind).slug, row[field]]),
      );
    const moved = `moved_${of('storage moved to another schema').slug}`;
    const unknown = { [since.slug]: ['SCHEMA_WITHOUT_ROW'], [moved]: ['SCHEMA_WITHOUT_ROW'] };
    expect(await codesBySlug(restored)).toEqual({ ...expected('found'), ...unknown });
    const seen = async () =>
      Object.fromEntries(
        await Promise.all(
          Object.keys(kinds).map(async (kind) => [
            kind,
            (await visit(restored, of(kind).id)).replace(/^in .*/, 'in'),
          ]),
        ),
      );
    const wanted = (field: 'between' | 'after') =>
      Object.fromEntries(Object.entries(kinds).map(([kind, row]) => [kind, row[field]]));
    expect(await seen()).toEqual(wanted('between'));
    expect(await visit(restored, since.id)).toBe('TENANT_NOT_FOUND');

    // A worker compares the guards by itself, and opens nothing that a lost change has closed.
    await createGuardComparison()(contextOf(restored));
    await runBindings(restored);
    expect(await seen()).toEqual(wanted('between'));

    // Another tenant that gets the lost tenant's name gets nothing of its storage.
    const again = await mutate(
      restored,
      'registerTenant',
      { name: 'Other', slug: since.slug },
      'tenant { id }',
    );
    const { id } = again.result.tenant;
    await mutate(restored, 'subscribeTenantToModule', { tenantId: id, module: crm });
    expect(await visit(restored, id)).not.toMatch(/^in /);

    // The lost changes that no guard shows are in the archive.
    const lost = await findLostChanges(contextOf(restored), folder);
    const problems = lost.map(({ problem }) => problem).join('\n');
    expect(problems).toContain('api_key.created');
    expect(problems).toContain('member.created');
    expect(
      lost.find(({ tenantSlug, problem }) => tenantSlug === since.slug && /tenant\.registered/.test(problem)),
    ).toBeTruthy();
    expect(lost.every(({ remedy }) => remedy.length > 0)).toBe(true);

    const { findings } = await diagnose(contextOf(restored), { modules: [crm] });
    await repairAfterRestore(contextOf(restored), findings);
    const left = await codesBySlug(restored);
    expect(Object.fromEntries(Object.entries(left).filter(([slug]) => slug !== since.slug))).toEqual({
      ...expected('left'),
      [moved]: ['SCHEMA_WITHOUT_ROW'],
    });
    expect(await seen()).toEqual(wanted('after'));
    // The generation of the lost time opens nothing any more.
    expect(await visit(restored, of('a module cancelled and subscribed again').id, 2)).toBe('ROUTE_STALE');
  });

  test('a restore of a service database to an hour ago with the registry of now', async () => {
    const { gateway } = testbed;
    const [shut, gone] = [
      await aTenant().subscribedTo(crm).at(gateway),
      await aTenant().subscribedTo(crm).at(gateway),
    ];
    await runBindings(gateway);
    const name = new URL(testbed.url(crm)).pathname.slice(1);
    const backup = await copyDatabase(name);
    await tenantOf('suspendTenant')(shut);
    await subscriptionOf('unsubscribeTenantFromModule')(gone);
    await subscriptionOf('subscribeTenantToModule')(gone);
    const since = await aTenant().subscribedTo(crm).at(gateway);
    await runBindings(gateway);
    await restoreDatabase(name, backup.name);

    const found = await codesBySlug(gateway);
    expect(found).toMatchObject({
      [shut.slug]: ['BINDING_STATE_DIFFERS'],
      [gone.slug]: ['BINDING_GENERATION_DIFFERS'],
      [since.slug]: ['SCHEMA_MISSING'],
    });
    expect(await visit(gateway, shut.id)).toBe('TENANT_SUSPENDED');
    expect(await visit(gateway, gone.id)).toBe('ROUTE_STALE');
    expect(await visit(gateway, since.id)).toBe('ROUTE_STALE');
    const { findings } = await diagnose(contextOf(gateway), { modules: [crm] });
    await repairAfterRestore(contextOf(gateway), findings);
    const left = await codesBySlug(gateway);
    expect(left[shut.slug]).toBeUndefined();
    expect(left[gone.slug]).toBeUndefined();
    expect(left[since.slug]).toEqual(['SCHEMA_MISSING']);
    expect(await visit(gateway, gone.id)).toMatch(/^in /);
  });

  test('a repair of one module opens no guard of another one that a lost change has closed', async () => {
    const { gateway } = testbed;
    const tenant = await aTenant().subscribedTo(crm, second).at(gateway);
    await runBindings(gateway);
    const backup = await copyDatabase(gateway.registry.name);
    opened.push(backup);
    for (const module of [crm, second])
      await mutate(gateway, 'suspendSubscription', { tenantId: tenant.id, module });
    await runBindings(gateway);
    await using restored = await openGateway({
      sharing: { registry: backup, serviceUrl: () => '' },
      config: testbed.config,
    });
    const { findings } = await diagnose(contextOf(restored), { modules: [crm, second] });
    expect(
      findings.filter(({ code, tenantId }) => tenantId === tenant.id && code === 'BINDING_OF_LOST_CHANGE'),
    ).toHaveLength(2);
    // As by doctor with --module: the operation writes the guards of all modules.
    await repairAfterRestore(
      contextOf(restored),
      findings.filter(({ module }) => module === crm),
    );
    await runBindings(restored);
    for (const module of [crm, second])
      expect(
        await testbed.psql(module, `SELECT state FROM tenant_guard.binding WHERE tenant_id = '${tenant.id}'`),
      ).toEqual([{ state: 'suspended' }]);
  });
});
