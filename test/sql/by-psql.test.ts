import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { developer } from '../../src/auth/caller.js';
import { renewCopies } from '../../src/provisioning/copies/keep-copies.js';
import { openTwoGateways, type TwoGateways, warm } from '../feed/support/two-gateways.js';
import { uniqueName } from '../setup/database.js';
import type { TestGateway } from '../setup/gateway.js';
import { mutate, resolve } from '../setup/graphql-calls.js';
import { aTenant } from '../setup/stories.js';
import { codeOf, connect, ensureAndMark, mark, register, subscribe } from './support/procedure-calls.js';
import { describeWithPsql, psql } from './support/psql.js';

/** Two gateways on one registry, of which one runs operations as it does in production. */
let twoGateways: TwoGateways;
let gateway: TestGateway;
beforeAll(async () => {
  twoGateways = await openTwoGateways({ runsWorker: true });
  gateway = twoGateways.one;
  await renewCopies(gateway.app.commandsFor(developer));
});
afterAll(() => twoGateways?.close());

const gateways = () => [twoGateways.one, twoGateways.other];

async function bindingOf(schema: string, module = 'finance') {
  const [row] = await gateway.psqlIn(
    module,
    'SELECT state, generation FROM tenant_guard.binding WHERE schema_name = $1',
    [schema],
  );
  return row && `${row.state} ${row.generation}`;
}

/** Whether a service gets in through the fence. */
function entered(id: string, schema: string, generation: number) {
  return codeOf(gateway.psqlIn('finance', 'SELECT tenant_guard.enter($1, $2, $3)', [id, schema, generation]));
}

/** Starts an operation on finance and awaits its end: the worker of this gateway may claim it before the mutation does. */
async function expectSuccess(mutation: string, tenantId: string) {
  const { result } = await mutate(gateway, mutation, { tenantId, module: 'finance' }, 'operation { id }');
  const read = async () => {
    const { data } = await gateway.ask('query ($id: ID!) { operation(id: $id) { status error } }', {
      id: result.operation.id,
    });
    return data.operation;
  };
  await expect.poll(read, { timeout: 20_000 }).toEqual({ status: 'SUCCEEDED', error: null });
}

describeWithPsql('the SQL that services use today, run by psql', () => {
  test('registers, subscribes, makes and marks, and both gateways answer at once', async () => {
    const slug = uniqueName('acme');
    const schema = `finance_${slug}`;
    const registry = gateway.registry.url;
    const id = await psql(registry, `CALL register_tenant('${slug}','Acme Corp')`);
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    for (const one of gateways()) await expect.poll(() => resolve(one, id)).toBe('MODULE_NOT_SUBSCRIBED');
    await psql(registry, `CALL subscribe_tenant_to_module('${id}', 'finance', '${schema}')`);
    const asked = `PREPARE asked AS SELECT finance_schema FROM tenant_registry WHERE tenant_id = $1 AND 'finance' = ANY(modules_subscribed)`;
    expect(await psql(registry, asked, `EXECUTE asked('${id}')`)).toBe('');
    await psql(
      gateway.serviceUrl('finance'),
      `CALL ensure_finance_tenant_schema('${id}'::uuid, '${schema}')`,
    );
    expect(await entered(id, schema, 1)).toBe('TR004 TENANT_NOT_READY');
    await psql(registry, `CALL mark_module_provisioned('${id}'::uuid, 'finance', 'success')`);
    expect(await psql(registry, asked, `EXECUTE asked('${id}')`)).toBe(schema);
    for (const one of gateways()) await expect.poll(() => resolve(one, slug)).toBe(schema);
    await expect.poll(() => bindingOf(schema), { timeout: 20_000 }).toBe('active 1');
    expect(await entered(id, schema, 1)).toBe('done');
    expect(
      await psql(
        registry,
        `SELECT module, action, status, error IS NULL FROM tenant_module_log WHERE tenant_id = '${id}'`,
      ),
    ).toBe('finance|mark_module_provisioned|succeeded|t');
  });

  test('ends with an exit code and a hint when it is refused', async () => {
    await expect(psql(gateway.registry.url, `CALL register_tenant('Acme', 'x')`)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /ERROR: {2}VALIDATION_ERROR: slug: must be.*\nHINT: {2}An example is acme-corp/,
      ),
    });
  });

  test('the operations service makes its schema under the name it knows', async () => {
    const slug = uniqueName('t');
    const id = await register(gateway, slug);
    await subscribe(gateway, id, 'operations', `tenant_${slug}`);
    await psql(
      gateway.serviceUrl('operations'),
      `CALL ensure_party_tenant_schema('${id}', 'tenant_${slug}')`,
    );
    await mark(gateway, id, 'operations', 'success');
    expect(await resolve(gateway, id, 'operations')).toBe(`tenant_${slug}`);
  });
});

describe('what procedures change', () => {
  test('drops what both gateways hold in memory, within D at the latest', async () => {
    const { id, slug } = await aTenant().at(gateway);
    const schema = `finance_${slug}`;
    for (const one of gateways()) {
      await resolve(one, id);
      await warm(one, id);
    }
    const client = await connect(gateway.registry.url);
    await client.query('CALL subscribe_tenant_to_module($1, $2, $3)', [id, 'finance', schema]);
    for (const one of gateways())
      await expect.poll(() => resolve(one, id), { timeout: 5_000 }).toBe('TENANT_NOT_READY');
    await client.query('CALL mark_module_provisioned($1, $2, $3)', [id, 'finance', 'success']);
    for (const one of gateways()) await expect.poll(() => resolve(one, id), { timeout: 5_000 }).toBe(schema);
  });

  test('counts as one revision per call, and none when it is refused', async () => {
    const head = async () =>
      Number((await gateway.psql<{ revision: string }>('SELECT revision FROM registry_head'))[0]?.revision);
    const slug = uniqueName('t');
    const before = await head();
    await register(gateway, slug);
    expect(await head()).toBe(before + 1);
    await codeOf(register(gateway, slug));
    expect(await head()).toBe(before + 1);
  });
});

describe('SQL and mutations on one tenant', () => {
  test('made by SQL, left and taken up again by GraphQL: the same data, brought up to date', async () => {
    const slug = uniqueName('t');
    const schema = `finance_${slug}`;
    const id = await register(gateway, slug);
    await subscribe(gateway, id, 'finance', schema);
    await ensureAndMark(gateway, id, 'finance', schema);
    await expect.poll(() => bindingOf(schema), { timeout: 20_000 }).toBe('active 1');
    await gateway.psqlIn('finance', `INSERT INTO ${schema}.settings (key, value) VALUES ('kept', '1')`);
    // As if the last migration had come later.
    await gateway.psqlIn(
      'finance',
      `DELETE FROM tenant_guard.schema_version WHERE schema_name = '${schema}' AND migration = 'finance/0002_invoice_numbering.sql';
       DROP TABLE ${schema}.ar_invoice_series CASCADE; DROP FUNCTION IF EXISTS ${schema}.ar_issue_invoice`,
    );

    await mutate(gateway, 'unsubscribeTenantFromModule', {
      tenantId: id,
      module: 'finance',
      wait: 'EVERYWHERE',
    });
    expect(await resolve(twoGateways.other, id)).toBe('MODULE_NOT_SUBSCRIBED');
    expect(await entered(id, schema, 1)).toBe('TR003 MODULE_NOT_SUBSCRIBED');
    await expectSuccess('subscribeTenantToModule', id);
    const { data } = await gateway.ask(
      'query ($id: ID!) { tenant(id: $id) { subscriptions { schemaName generation migrationVersion } } }',
      { id },
    );
    expect(data.tenant.subscriptions).toEqual([
      { schemaName: schema, generation: 2, migrationVersion: 'finance/0002_invoice_numbering.sql' },
    ]);
    expect(await gateway.psqlIn('finance', `SELECT FROM ${schema}.ar_invoice_series`)).toHaveLength(1);
    expect(await entered(id, schema, 1)).toBe('TR001 ROUTE_STALE');
    expect(await entered(id, schema, 2)).toBe('done');
    expect(
      await gateway.psqlIn('finance', `SELECT key FROM ${schema}.settings WHERE key = 'kept'`),
    ).toHaveLength(1);
  });

  test('subscribed by SQL, provisioned by GraphQL', async () => {
    const slug = uniqueName('t');
    const id = await register(gateway, slug);
    await subscribe(gateway, id, 'finance', `finance_${slug}`);
    await gateway.psqlIn('finance', 'CALL ensure_finance_tenant_schema($1, $2)', [id, `finance_${slug}`]);
    await expectSuccess('provisionModule', id);
    const { data } = await gateway.ask('query ($id: ID!) { tenant(id: $id) { subscriptions { status } } }', {
      id,
    });
    expect(data.tenant.subscriptions).toEqual([{ status: 'PENDING' }]);
    await mark(gateway, id, 'finance', 'success');
    expect(await resolve(gateway, id)).toBe(`finance_${slug}`);
  });

  test('storage that was taken over, without tables of ours, is taken up again as it is', async () => {
    const slug = uniqueName('t');
    const id = await register(gateway, slug);
    const schema = `finance_${slug}`;
    await gateway.psqlIn('finance', `CREATE SCHEMA ${schema}; CREATE TABLE ${schema}.own (id int)`);
    await subscribe(gateway, id, 'finance', schema);
    await mark(gateway, id, 'finance', 'success');
    await expect.poll(() => bindingOf(schema), { timeout: 20_000 }).toBe('active 1');
    await mutate(gateway, 'unsubscribeTenantFromModule', { tenantId: id, module: 'finance' });
    await expectSuccess('subscribeTenantToModule', id);
    expect(
      await gateway.psqlIn('finance', 'SELECT tablename FROM pg_tables WHERE schemaname = $1', [schema]),
    ).toEqual([{ tablename: 'own' }]);
  });

  test('at the same moment never deadlock, and lose nothing', async () => {
    const before = await deadlocks();
    const tenants = await Promise.all(Array.from({ length: 3 }, () => aTenant().at(gateway)));
    const codes: string[] = [];
    const said = async (attempt: Promise<unknown>) => void codes.push(await codeOf(attempt));
    const asked = async (name: string, input: object) =>
      void codes.push((await mutate(gateway, name, { ...input, wait: 'COMMITTED' })).codes[0] ?? 'done');
    await Promise.all(
      tenants.flatMap(({ id, slug }, n) =>
        ['finance', 'inventory', 'operations'].flatMap((module) => [
          said(subscribe(gateway, id, module, `${module}_${slug}`)).then(() =>
            said(mark(gateway, id, module, 'success')),
          ),
          said(subscribe(gateway, id, module, `${module}_shared_${n % 2}`)),
          asked('subscribeTenantToModule', { tenantId: id, module, provision: false }),
          asked('updateTenant', { tenantId: id, name: `${module} ${n}` }),
          said(register(gateway, uniqueName('t'))),
        ]),
      ),
    );
    expect(codes.filter((code) => !/done|CONFLICT/.test(code))).toEqual([]);
    expect(await deadlocks()).toBe(before);
    // Each of the nine subscriptions went to exactly one of those who wanted it.
    const ids = tenants.map(({ id }) => id);
    expect(
      await gateway.psql('SELECT count(*)::int FROM module_subscriptions WHERE tenant_id = ANY ($1)', [ids]),
    ).toEqual([{ count: 9 }]);
  });

  async function deadlocks(): Promise<number> {
    const [row] = await gateway.psql<{ count: string }>(
      'SELECT deadlocks AS count FROM pg_stat_database WHERE datname = current_database()',
    );
    return Number(row?.count);
  }
});
