import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { developer } from '../../src/auth/caller.js';
import type { Module, Tenant } from '../../src/database/generated/prisma/client.js';
import { renewCopies } from '../../src/provisioning/copies/keep-copies.js';
import { existingName, issueNames, storageName } from '../../src/registry/storage-name.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { seed } from '../setup/seed.js';
import { aTenant } from '../setup/stories.js';
import { canReachPostgres, refusalsOf } from '../sql/support/refusals.js';
import { differences, isNull, problemOf } from './support/compared-rules.js';
import { hostileTexts } from './support/hostile.js';

/**
 * Rules for names of schemas and databases stand in TypeScript, in the registry's procedures and tables, and in service
 * databases. One table of cases goes through all of them.
 */

const hostile = hostileTexts(500, seed).filter(canReachPostgres);

const storageNames = [
  ...[
    'a',
    'finance_acme',
    'x'.repeat(63),
    'x1_',
    'pgx',
    'postgres',
    'template0',
    'template1',
    'registry',
    'finance',
  ],
  ...[
    '',
    'x'.repeat(64),
    '1x',
    '_x',
    'X',
    'a-b',
    'a b',
    'a\n',
    'é',
    '$user',
    'a"b',
    "a'b",
    'pg_',
    'pg_x',
    'Pg_x',
  ],
  ...[
    'public',
    'information_schema',
    'tenant_guard',
    'pg_catalog',
    'select',
    'user',
    'table',
    'left',
    'blank',
  ],
  ...['é'.repeat(31), 'é'.repeat(32), 'Old Finance', 'a\u0007b', ' '],
];

let gateway: TestGateway;
let registry: pg.Client;
let service: pg.Client;
let tenant: Tenant;
let modules: Record<'SCHEMA' | 'DATABASE', Module>;
beforeAll(async () => {
  gateway = await openGateway();
  await renewCopies(gateway.app.commandsFor(developer));
  const { prisma } = gateway.app.database;
  const { id } = await aTenant().at(gateway);
  await aTenant({ slug: 'taken' }).subscribedTo('finance').at(gateway);
  registry = await connectForFile(gateway.registry.url);
  service = await connectForFile(gateway.serviceUrl('finance'));
  tenant = await prisma.tenant.findUniqueOrThrow({ where: { id } });
  modules = {
    SCHEMA: await prisma.module.findUniqueOrThrow({ where: { name: 'finance' } }),
    DATABASE: await prisma.module.findUniqueOrThrow({ where: { name: 'dbtools' } }),
  };
});
afterAll(async () => {
  await registry?.end();
  await service?.end();
  await gateway?.close();
});

async function connectForFile(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client;
}

/** Why subscribeTenantToModule refuses a name. */
async function problemOfName(name: string, isolation: 'SCHEMA' | 'DATABASE'): Promise<string | null> {
  const problem = problemOf(storageName, name);
  if (problem !== null) return problem;
  const done = new Error('only asked');
  return gateway.app.database
    .transaction(async (tx): Promise<null> => {
      await issueNames(tx, { tenant, module: modules[isolation], isolation, wanted: name });
      throw done;
    })
    .catch((error: Error) => (error === done ? null : error.message.replace(/^schemaName: /, '')));
}

describe('names of storage that a caller asks for', () => {
  test.each(['SCHEMA', 'DATABASE'] as const)(
    `as %s: both say the same, in the same words (seed ${seed})`,
    async (isolation) => {
      const given = [...storageNames, 'finance_taken', ...(isolation === 'SCHEMA' ? hostile : [])];
      const problems: (string | null)[] = [];
      for (const name of given) problems.push(await problemOfName(name, isolation));
      const refusals = await refusalsOf(
        registry,
        `SELECT registry_require_free_name('${tenant.id}', '${isolation.toLowerCase()}', '${modules[isolation].databaseName}', $1)`,
        given,
      );
      const inSql = refusals.map(
        (refusal) => refusal?.replace(/^(VALIDATION_ERROR: schema|CONFLICT): /, '') ?? null,
      );
      expect(differences(given, problems, inSql)).toEqual([]);
      expect(problems.filter((problem) => problem?.includes('taken by'))).not.toEqual([]);
    },
  );

  test('ensure_<module>_tenant_schema makes schemas of these names and no others', async () => {
    const given = storageNames.filter((name) => !name.startsWith('finance_'));
    const isGood: boolean[] = [];
    for (const name of given) isGood.push((await problemOfName(name, 'SCHEMA')) === null);
    const refusals = await refusalsOf(
      service,
      `SELECT tenant_guard.ensure_schema('finance', 'finance', gen_random_uuid(), $1)`,
      given,
    );
    expect(differences(given, isGood, refusals.map(isNull))).toEqual([]);
  });

  test('of ten that are issued at one moment each is issued once, because both doors wait for the same lock', async () => {
    const held = gateway.app.database.transaction(async (tx) => {
      await issueNames(tx, { tenant, module: modules.SCHEMA, isolation: 'SCHEMA', wanted: undefined });
      await registry.query(`SET lock_timeout = '200ms'`);
      const call = `SELECT registry_require_free_name('${tenant.id}', 'schema', 'finance', 'some_name')`;
      await expect(registry.query(call)).rejects.toMatchObject({ code: '55P03' });
    });
    await held.finally(() => registry.query('RESET lock_timeout'));
  });
});

test('names that stand already: what the application takes over, registry and guard can hold, and nothing else', async () => {
  const isGood = storageNames.map((name) => existingName.safeParse(name).success);
  const inRegistry = await refusalsOf(
    registry,
    `INSERT INTO module_subscriptions (tenant_id, module, schema_name) VALUES ('${tenant.id}', 'inventory', $1)`,
    storageNames,
  );
  const inGuard = await refusalsOf(
    service,
    `INSERT INTO tenant_guard.binding VALUES ($1, 1, gen_random_uuid(), 'finance', 1, 'active', 'e', 1)`,
    storageNames,
  );
  const isHeld = storageNames.map((_, at) => inRegistry[at] === null && inGuard[at] === null);
  expect(differences(storageNames, isGood, isHeld)).toEqual([]);
});

test('a name is issued by hand as by the application', async () => {
  for (const [isolation, module] of Object.entries(modules) as ['SCHEMA' | 'DATABASE', Module][]) {
    const issued = await gateway.app.database.transaction((tx) =>
      issueNames(tx, { tenant, module, isolation, wanted: undefined }),
    );
    await registry.query('BEGIN');
    const { rows } = await registry.query(
      `INSERT INTO module_subscriptions (tenant_id, module) VALUES ($1, $2)
       RETURNING database_name AS "databaseName", schema_name AS "schemaName"`,
      [tenant.id, module.name],
    );
    await registry.query('ROLLBACK');
    expect(rows).toEqual([issued]);
  }
});
