import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { listSchemas, readSchemaContents } from '../../provisioning/support/catalog.js';
import { openGateway, type TestGateway } from '../../setup/gateway.js';
import { mutate, resolve } from '../../setup/graphql-calls.js';
import {
  actions,
  entryFor,
  type LegacyRow,
  legacyRegistry,
  legacySchema,
  revisionOf,
  takeOver,
} from '../support/legacy-story.js';

let gateway: TestGateway;
beforeEach(async () => {
  gateway = await openGateway();
});
afterEach(() => gateway.close());

/** Fifty tenants: most have both modules, some are inactive, and two have slugs that lead to the same schema name. */
async function createFiftyTenants(): Promise<LegacyRow[]> {
  const rows = Array.from({ length: 48 }, (_, index): LegacyRow => {
    const slug = index % 3 === 0 ? `shop-${index}` : index % 3 === 1 ? `shop-no-${index}` : `shop${index}`;
    const underscored = slug.replaceAll('-', '_');
    return {
      id: randomUUID(),
      slug,
      name: `Shop number ${index}`,
      ...(index % 4 === 0 && { status: 'inactive' }),
      modules: index % 5 === 0 ? ['operations'] : ['operations', 'finance'],
      ...(index % 2 === 0 && { operations: `tenant_${underscored}` }),
      ...(index % 2 === 0 && index % 5 !== 0 && { finance: `finance_${underscored}` }),
    };
  });
  rows.push({ id: randomUUID(), slug: 'twin-a' }, { id: randomUUID(), slug: 'twin_a' });
  const schemas = (prefix: string, module: string) => [
    ...rows
      .slice(0, 48)
      .filter(({ modules }) => modules?.includes(module))
      .map(({ slug }) => legacySchema(`${prefix}${slug.replaceAll('-', '_')}`)),
    legacySchema(`${prefix}twin_a`),
  ];
  await gateway.psqlIn('operations', schemas('tenant_', 'operations').join('') + legacyRegistry(rows));
  await gateway.psqlIn('finance', schemas('finance_', 'finance').join(''));
  return rows;
}

async function contentsOf(module: string): Promise<unknown> {
  const url = gateway.serviceUrl(module);
  const schemas = await listSchemas(url);
  return Promise.all(schemas.map(async (schema) => [schema, await readSchemaContents(url, schema)]));
}

test('fifty tenants of two services keep their ids and their data, and a second import changes nothing', async () => {
  const rows = await createFiftyTenants();
  const before = [await contentsOf('operations'), await contentsOf('finance')];

  const planned = await takeOver(gateway, { isDryRun: true });
  expect(await gateway.psql('SELECT FROM tenants')).toEqual([]);
  expect(await gateway.psqlIn('operations', 'SELECT FROM tenant_registry')).toHaveLength(50);

  const report = await takeOver(gateway);
  expect(actions(report)).toEqual(actions(planned));
  expect(report.tables).toEqual([
    expect.objectContaining({
      table: 'public.tenant_registry',
      renamedTo: 'tenant_registry_before_registry',
    }),
  ]);
  expect([await contentsOf('operations'), await contentsOf('finance')]).toEqual(before);
  const twins = report.entries.filter(({ schema }) => schema?.endsWith('twin_a'));
  expect(twins.map(({ action, why }) => `${action}: ${why}`)).toEqual(
    Array(2).fill(
      expect.stringMatching(
        /^ambiguous: tenant twin-a \(.*\) and tenant twin_a \(.*\) fit: assign it in --map$/,
      ),
    ),
  );
  // Both tenants are registered under their ids; only the owner of the schemas is unknown.
  const tenants = await gateway.psql<{ id: string; slug: string; name: string }>(
    'SELECT id, slug, name FROM tenants',
  );
  expect(new Map(tenants.map(({ id, slug }) => [slug, id]))).toEqual(
    new Map(rows.map(({ id, slug }) => [slug, id])),
  );
  expect(tenants.find(({ slug }) => slug === 'shop-3')?.name).toBe('Shop number 3');

  for (const { id, slug, status, modules } of rows.slice(0, 10)) {
    const finance = modules?.includes('finance')
      ? `finance_${slug.replaceAll('-', '_')}`
      : 'MODULE_NOT_SUBSCRIBED';
    expect(await resolve(gateway, id)).toBe(status === 'inactive' ? 'TENANT_SUSPENDED' : finance);
    expect(await resolve(gateway, slug)).toBe(status === 'inactive' ? 'TENANT_SUSPENDED' : finance);
  }
  expect(await resolve(gateway, 'twin-a')).toBe('MODULE_NOT_SUBSCRIBED');

  const revision = await revisionOf(gateway);
  const catalogs = [
    await listSchemas(gateway.serviceUrl('operations')),
    await gateway.psqlIn('operations', tables),
  ];
  const again = await takeOver(gateway);
  expect(new Set(again.entries.map(({ action }) => action))).toEqual(new Set(['unchanged', 'ambiguous']));
  expect(await revisionOf(gateway)).toBe(revision);
  expect([
    await listSchemas(gateway.serviceUrl('operations')),
    await gateway.psqlIn('operations', tables),
  ]).toEqual(catalogs);
  expect([await contentsOf('operations'), await contentsOf('finance')]).toEqual(before);
});

const tables = `SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1`;

test('the history of a subscription shows that its storage was adopted', async () => {
  await gateway.psqlIn('finance', legacySchema('finance_acme_trading'));
  const report = await takeOver(gateway);
  const { tenantId, name, slug, idFrom } = entryFor(report, 'finance_acme_trading');
  expect({ name, slug, idFrom }).toEqual({ name: 'Acme Trading', slug: 'acme-trading', idFrom: 'new' });
  const { data } = await gateway.ask(
    `query ($id: ID!) { tenant(id: $id) { id subscriptions { history { edges { node { kind status steps { name status } } } } } } }`,
    { id: 'acme-trading' },
  );
  expect(data.tenant.id).toBe(tenantId);
  const [{ history }] = data.tenant.subscriptions;
  expect(history.edges.map(({ node }: { node: object }) => node)).toEqual([
    {
      kind: 'ADOPT_STORAGE',
      status: 'SUCCEEDED',
      steps: [
        { name: 'ADOPT_STORAGE', status: 'SUCCEEDED' },
        { name: 'ACTIVATE_ROUTE', status: 'SUCCEEDED' },
      ],
    },
  ]);
});

test('a registered tenant gets the schema with its name and keeps its other storage', async () => {
  const { result } = await mutate(
    gateway,
    'registerTenant',
    { name: 'Acme', slug: 'acme-corp' },
    'tenant { id }',
  );
  await mutate(gateway, 'subscribeTenantToModule', { tenantId: 'acme-corp', module: 'inventory' });
  await gateway.psqlIn('finance', legacySchema('finance_acme_corp'));
  const report = await takeOver(gateway);
  expect(actions(report)).toEqual(['finance_acme_corp: subscribe', 'inventory_acme_corp: unchanged']);
  expect(entryFor(report, 'finance_acme_corp')).toMatchObject({
    tenantId: result.tenant.id,
    idFrom: 'registry',
  });
  expect(await resolve(gateway, result.tenant.id)).toBe('finance_acme_corp');
});

test('a schema that fits two registered tenants is reported and left unchanged until the map assigns it', async () => {
  for (const slug of ['a-b', 'a_b']) await mutate(gateway, 'registerTenant', { name: slug, slug });
  await gateway.psqlIn('finance', legacySchema('finance_a_b'));
  const revision = await revisionOf(gateway);
  expect(actions(await takeOver(gateway))).toEqual(['finance_a_b: ambiguous']);
  expect(await revisionOf(gateway)).toBe(revision);
  expect(actions(await takeOver(gateway, { map: 'schema,slug\nfinance_a_b,a_b' }))).toEqual([
    'finance_a_b: subscribe',
  ]);
  expect(await resolve(gateway, 'a_b')).toBe('finance_a_b');
  expect(await resolve(gateway, 'a-b')).toBe('MODULE_NOT_SUBSCRIBED');
});

test('nothing is imported, and no table renamed, when a line of the map names no schema', async () => {
  await gateway.psqlIn(
    'finance',
    `${legacySchema('finance_typo')}; CREATE TABLE tenant_registry (id uuid, slug text)`,
  );
  const revision = await revisionOf(gateway);
  const map = 'schema,slug\nfinance_typo,right\nfinance_tipo,typo';
  const shown = await takeOver(gateway, { map, isDryRun: true });
  expect(actions(shown)).toEqual(['finance_tipo: conflict', 'finance_typo: register', 'typo: register']);
  await expect(takeOver(gateway, { map })).rejects.toMatchObject({
    code: 'VALIDATION_ERROR',
    message: expect.stringContaining('(line 3: finance_tipo), so nothing was imported'),
  });
  expect(await revisionOf(gateway)).toBe(revision);
  const [table] = await gateway.psqlIn<{ there: boolean }>(
    'finance',
    "SELECT to_regclass('tenant_registry') IS NOT NULL AS there",
  );
  expect(table).toEqual({ there: true });
  await gateway.psqlIn('finance', 'DROP TABLE tenant_registry; DROP SCHEMA finance_typo CASCADE');
});

test('unusual schema names are kept and resolve to a quoted search path', async () => {
  const name = 'finance_Öl & "Gas" GmbH';
  await gateway.psqlIn('finance', legacySchema(name) + legacySchema('Books of Acme'));
  const map = `schema,id,slug,name\n"${name.replaceAll('"', '""')}",,oil-and-gas,Öl & Gas\nBooks of Acme,,acme,Acme`;
  expect(actions(await takeOver(gateway))).toEqual([`${name}: conflict`]);
  expect(actions(await takeOver(gateway, { map }))).toEqual(['Books of Acme: register', `${name}: register`]);
  const { data } = await gateway.ask(
    '{ tenantSchema(id: "oil-and-gas", module: "finance") { schemaName searchPath } }',
  );
  expect(data.tenantSchema).toEqual({ schemaName: name, searchPath: '"finance_Öl & ""Gas"" GmbH"' });
});

test('a tenant in conflict does not stop the import of the others', async () => {
  const [here, there] = [randomUUID(), randomUUID()];
  await mutate(gateway, 'registerTenant', { id: here, name: 'Acme', slug: 'acme' });
  await mutate(gateway, 'registerTenant', { name: 'Gone', slug: 'gone' });
  await mutate(gateway, 'deleteTenant', { tenantId: 'gone' });
  await gateway.psqlIn(
    'finance',
    ['finance_acme', 'finance_fine', 'finance_gone', 'finance_9lives', 'finance_Twice', 'finance_twice']
      .map(legacySchema)
      .join('') +
      legacyRegistry([
        { id: there, slug: 'acme', finance: 'finance_acme' },
        { id: here, slug: 'acme-old' },
        { id: randomUUID(), slug: 'lost', finance: 'finance_lost' },
        { id: randomUUID(), slug: 'unlisted', modules: ['operations'], finance: 'finance_fine' },
      ]),
  );
  const report = await takeOver(gateway);
  expect(
    Object.fromEntries(
      report.entries.map(({ schema, slug, action, why }) => [schema ?? slug, [action, why]]),
    ),
  ).toEqual({
    finance_acme: ['conflict', expect.stringContaining(`slug acme is taken by id ${here} of registry`)],
    finance_fine: ['ambiguous', expect.stringContaining("does not list finance among the tenant's modules")],
    finance_gone: ['conflict', 'tenant gone is deleted: restore it with restoreTenant first'],
    finance_9lives: ['conflict', expect.stringContaining('slug "9lives" must')],
    finance_Twice: [
      'ambiguous',
      expect.stringContaining('finance_twice is finance storage of tenant twice too'),
    ],
    finance_twice: ['ambiguous', expect.stringContaining('finance_Twice is')],
    finance_lost: ['conflict', expect.stringContaining('does not exist')],
    lost: ['register', null],
    'acme-old': ['conflict', expect.stringContaining(`id ${here} is acme-old in`)],
  });
  expect(await resolve(gateway, 'lost')).toBe('MODULE_NOT_SUBSCRIBED');
});
