import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { developer } from '../../src/auth/caller.js';
import { uniqueName } from '../setup/database.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { mutate, resolve } from '../setup/graphql-calls.js';
import { openIdentityProvider, type TestIdentityProvider } from '../setup/identity-provider.js';
import { aTenant } from '../setup/stories.js';
import { codeOf } from './support/procedure-calls.js';

/** Rows that somebody writes in psql without the procedures. */
let identities: TestIdentityProvider;
let gateway: TestGateway;
beforeAll(async () => {
  identities = await openIdentityProvider();
  gateway = await openGateway({ config: { identityProvider: identities.provider } });
});
afterAll(async () => {
  await gateway?.close();
  await identities?.[Symbol.asyncDispose]();
});

/** Runs the operations that are due, as a worker does. */
async function runDue(): Promise<void> {
  const due = await gateway.psql<{ id: string }>(
    `SELECT id FROM operations WHERE status = 'queued' AND run_after <= now()`,
  );
  for (const { id } of due) await gateway.app.commandsFor(developer).runOperation(id);
}

/** A tenant whose finance schema exists with tables and no subscription. */
async function withSchema() {
  const { id, slug } = await aTenant().at(gateway);
  const schema = `finance_${slug}`;
  await gateway.psqlIn('finance', `CREATE SCHEMA ${schema}; CREATE TABLE ${schema}.invoice (id int)`);
  return { id, schema };
}

const enter = (id: string, schema: string, generation = 1) =>
  codeOf(gateway.psqlIn('finance', 'SELECT tenant_guard.enter($1, $2, $3)', [id, schema, generation]));

async function bindingOf(schema: string) {
  const rows = await gateway.psqlIn(
    'finance',
    'SELECT state, generation FROM tenant_guard.binding WHERE schema_name = $1',
    [schema],
  );
  return rows.map(({ state, generation }) => `${state} ${generation}`).join();
}

describe('a subscription that is inserted', () => {
  beforeAll(async () => {
    // Installs the guard in the database of finance.
    await aTenant().subscribedTo('finance').at(gateway);
  });

  test('as active resolves, and the guard lets its tenant in as soon as it has followed', async () => {
    const { id, schema } = await withSchema();
    await gateway.psql(
      `INSERT INTO module_subscriptions (tenant_id, module, status) VALUES ($1, 'finance', 'active')`,
      [id],
    );
    expect(await resolve(gateway, id)).toBe(schema);
    expect(await enter(id, schema)).toBe('TR001 ROUTE_STALE');
    await runDue();
    expect(await bindingOf(schema)).toBe('active 1');
    expect(await enter(id, schema)).toBe('done');
  });

  test('as active and suspended in the same transaction never opens the guard', async () => {
    const { id, schema } = await withSchema();
    await gateway.psql(
      `WITH made AS (INSERT INTO module_subscriptions (tenant_id, module, status) VALUES ($1, 'finance', 'active') RETURNING tenant_id)
       UPDATE tenants SET status = 'suspended' FROM made WHERE id = made.tenant_id`,
      [id],
    );
    await runDue();
    expect(await resolve(gateway, id)).toBe('TENANT_SUSPENDED');
    expect(await bindingOf(schema)).toBe('suspended 1');
    expect(await enter(id, schema)).toBe('TR002 TENANT_SUSPENDED');
  });

  test.each(['pending', 'provisioning', 'migrating', 'suspended', 'failed', 'deprovisioning', 'cancelled'])(
    'as %s neither resolves nor opens the guard, and does both when it becomes active',
    async (status) => {
      const { id, schema } = await withSchema();
      await gateway.psql(
        `INSERT INTO module_subscriptions (tenant_id, module, status) VALUES ($1, 'finance', $2::text::subscription_status)`,
        [id, status],
      );
      await runDue();
      expect(await resolve(gateway, id)).not.toBe(schema);
      expect(await enter(id, schema)).toBe('TR001 ROUTE_STALE');
      await gateway.psql(`UPDATE module_subscriptions SET status = 'active' WHERE tenant_id = $1`, [id]);
      await runDue();
      const generation = ['deprovisioning', 'cancelled'].includes(status) ? 2 : 1;
      expect(await resolve(gateway, id)).toBe(schema);
      expect(await bindingOf(schema)).toBe(`active ${generation}`);
      expect(await enter(id, schema, generation)).toBe('done');
    },
  );
});

describe('a member', () => {
  async function aMember() {
    const subject = uniqueName('sub');
    const { id } = await aTenant().at(gateway);
    const token = await identities.sign({ sub: subject });
    await gateway.psql(
      `INSERT INTO members (tenant_id, email, subject, role, status) VALUES ($1, $2, $3, 'admin', 'active')`,
      [id, `${subject}@acme.example`, subject],
    );
    const set = (assignment: string) =>
      gateway.psql(`UPDATE members SET ${assignment} WHERE tenant_id = $1`, [id]);
    /** The rights of the member: reading the tenant, changing its settings, seeing itself as a member. */
    const rights = async () => {
      const read = await gateway.ask('query ($id: ID!) { tenant(id: $id) { slug } }', { id }, { key: token });
      const written = await mutate(
        gateway,
        'updateTenantSettings',
        { tenantId: id, companyName: 'Acme' },
        'revision',
        { key: token },
      );
      return [read.codes[0] ?? 'reads', written.codes[0] ?? 'writes'];
    };
    return { id, set, rights };
  }

  test('that is active has the rights of its role, and those only', async () => {
    const { set, rights } = await aMember();
    expect(await rights()).toEqual(['reads', 'writes']);
    await set(`role = 'member'`);
    expect(await rights()).toEqual(['reads', 'FORBIDDEN']);
  });

  test.each(['removed', 'invited'])(
    'that is set to %s loses the rights of its token at once',
    async (status) => {
      const { set, rights } = await aMember();
      expect(await rights()).toEqual(['reads', 'writes']);
      await set(`status = '${status}'`);
      expect(await rights()).toEqual(['FORBIDDEN', 'FORBIDDEN']);
      await set(`status = 'active'`);
      expect(await rights()).toEqual(['reads', 'writes']);
    },
  );

  test('whose row is deleted, or whose subject is taken away, loses them at once', async () => {
    const deleted = await aMember();
    await gateway.psql('DELETE FROM members WHERE tenant_id = $1', [deleted.id]);
    expect(await deleted.rights()).toEqual(['FORBIDDEN', 'FORBIDDEN']);
    const unbound = await aMember();
    await unbound.set('subject = NULL');
    expect(await unbound.rights()).toEqual(['FORBIDDEN', 'FORBIDDEN']);
  });

  test('of one tenant has no rights in another', async () => {
    const one = await aMember();
    const other = await aMember();
    const [member] = await gateway.psql<{ subject: string }>(
      'SELECT subject FROM members WHERE tenant_id = $1',
      [one.id],
    );
    await gateway.psql(
      `INSERT INTO members (tenant_id, email, subject, role, status) VALUES ($1, 'x@acme.example', $2, 'admin', 'removed')`,
      [other.id, member?.subject],
    );
    const token = await identities.sign({ sub: member?.subject ?? '' });
    const { codes } = await gateway.ask(
      'query ($id: ID!) { tenant(id: $id) { slug } }',
      { id: other.id },
      { key: token },
    );
    expect(codes).toEqual(['TENANT_MISMATCH']);
    expect(await one.rights()).toEqual(['reads', 'writes']);
  });
});
