/**
 * `npx tsx bench/skew.ts [--from <commit or tag>]`: prints for each pair of a gateway and a client package, of an older version and of this
 * one, whether they work together, on a registry that the older version or this one has migrated. Without --from the last tag. Ends with 1
 * where a pair does not work. The older version is built in a temporary folder.
 */
import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import { createTenantRegistry, type TenantRegistry } from '../src/client/index.js';
import { migrateRegistry } from '../src/database/migrations/migrate.js';
import { codeOf } from '../test/client/support/client-outcomes.js';
import { ownerOf } from '../test/client/support/gateway-with-tenants.js';
import { type KillableGateways, openKillableGateways } from '../test/client/support/killable-gateways.js';
import { mutate } from '../test/setup/graphql-calls.js';
import { checkOut, findLastTag, loadClient, migrateWith } from './upgrade/other-version.js';

const { values } = parseArgs({ options: { from: { type: 'string' } } });
const say = (line: string) => void process.stdout.write(`${line}\n`);
const from = values.from ?? findLastTag();
const older = checkOut(from);
const gateways = { [from]: older, present: undefined };
const clients = { [from]: (await loadClient(older)).createTenantRegistry, present: createTenantRegistry };
const registries = { [from]: (url: string) => migrateWith(older, url), present: migrateRegistry };

say(['registry migrated by', 'gateways', 'client', 'result'].map((title) => title.padEnd(22)).join(''));
for (const [registry, migrate] of Object.entries(registries))
  for (const [gateway, folder] of Object.entries(gateways)) {
    const fixture = await openKillableGateways({ tenants: 2, stalenessMs: 2_000, folder, migrate }).catch(
      (error: Error) => error,
    );
    for (const [client, create] of Object.entries(clients)) {
      const result = fixture instanceof Error ? fixture.message : await work(fixture, create).catch(String);
      say([registry, gateway, client, result].map((cell) => cell.padEnd(22)).join(''));
      if (result !== 'OK') process.exitCode = 1;
    }
    if (!(fixture instanceof Error)) await fixture[Symbol.asyncDispose]();
  }

/** What a service does with its client, once; returns what was wrong. */
async function work(fixture: KillableGateways, create: typeof createTenantRegistry): Promise<string> {
  const [tenant] = fixture.tenants;
  if (!tenant) throw new Error('there is no tenant');
  const client: TenantRegistry = fixture.connect({}, create);
  const pool = fixture.openPool(2);
  const wait = 'EVERYWHERE';
  const steps: [name: string, expected: string, step: () => Promise<unknown>][] = [
    ['resolve by id', tenant.slug, async () => (await client.resolve(tenant.id)).tenantSlug],
    ['resolve by slug', tenant.id, async () => (await client.resolve(tenant.slug)).tenantId],
    ['resolve of an unknown tenant', 'TENANT_NOT_FOUND', () => client.resolve(randomUUID())],
    ['withTenant', tenant.slug, () => client.withTenant(pool, tenant.id, ownerOf)],
    ['config', 'object', async () => typeof (await client.config(tenant.id))],
    ['suspendTenant', '', () => change('suspendTenant', { reason: 'bench' })],
    ['resolve of a suspended tenant', 'TENANT_SUSPENDED', () => client.resolve(tenant.id)],
    [
      'withTenant of a suspended tenant',
      'TENANT_SUSPENDED',
      () => client.withTenant(pool, tenant.id, ownerOf),
    ],
    ['resumeTenant', '', () => change('resumeTenant', {})],
    ['resolve of a resumed tenant', tenant.slug, async () => (await client.resolve(tenant.id)).tenantSlug],
  ];
  const change = async (mutation: string, input: object) =>
    (await mutate(fixture.gateway('A'), mutation, { tenantId: tenant.id, wait, ...input })).codes.join();
  for (const [name, expected, step] of steps) {
    const answer = await step().catch(codeOf);
    if (answer !== expected) return `${name}: ${answer} instead of ${expected || 'no error'}`;
  }
  await client.close();
  return 'OK';
}
