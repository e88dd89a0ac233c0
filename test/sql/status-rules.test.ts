import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OperationStatus } from '../../src/database/generated/prisma/client.js';
import { hasEnded } from '../../src/provisioning/operations/operation.js';
import { bindingState } from '../../src/provisioning/operations/subscription-storage.js';
import { uniqueName } from '../setup/database.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { mutate, resolve } from '../setup/graphql-calls.js';
import { mark, outcomeOf, subscribe } from './support/procedure-calls.js';

/**
 * The rule of what a status allows exists twice: in TypeScript for mutations and resolution, and in PL/pgSQL for services that use SQL
 * alone. Every status of the database's own enum types goes through both.
 */

let gateway: TestGateway;
const statuses: Record<'tenant_status' | 'subscription_status' | 'operation_status', string[]> = {
  tenant_status: [],
  subscription_status: [],
  operation_status: [],
};
beforeAll(async () => {
  gateway = await openGateway();
  for (const type of Object.keys(statuses) as (keyof typeof statuses)[]) {
    const rows = await gateway.psql<{ value: string }>(
      `SELECT unnest(enum_range(NULL::${type}))::text AS value`,
    );
    statuses[type] = rows.map(({ value }) => value);
  }
});
afterAll(() => gateway?.close());

interface Made {
  id: string;
  slug: string;
  /** The schema of the subscription to finance. */
  schema: string;
}

/** A tenant, and unless the status is "none" its subscription to finance, put there by hand. */
async function tenantWith(tenantStatus: string, subscriptionStatus: string, columns = ''): Promise<Made> {
  const slug = uniqueName('t');
  const [row] = await gateway.psql<{ id: string }>(
    'INSERT INTO tenants (slug, name, status) VALUES ($1, $1, $2) RETURNING id',
    [slug, tenantStatus],
  );
  const id = row?.id ?? '';
  if (subscriptionStatus !== 'none')
    await gateway.psql(
      `INSERT INTO module_subscriptions (tenant_id, module, status) VALUES ($1, 'finance', $2)`,
      [id, subscriptionStatus],
    );
  if (columns !== '')
    await gateway.psql(`UPDATE module_subscriptions SET ${columns} WHERE tenant_id = $1`, [id]);
  return { id, slug, schema: `finance_${slug}` };
}

/** The outcome without what differs from tenant to tenant: "CONFLICT: Tenant <slug> is subscribed to finance already". */
function plain(outcome: string, { id, slug }: Made): string {
  return outcome
    .replace(/^\w{5} (?=[A-Z_]+: )/, '')
    .replaceAll(id, '<id>')
    .replaceAll(slug, '<slug>');
}

async function byMutation(name: string, made: Made, input: object): Promise<string> {
  const { errors } = await mutate(gateway, name, {
    tenantId: made.id,
    module: 'finance',
    wait: 'COMMITTED',
    ...input,
  });
  const [error] = errors;
  return plain(error ? `${error.extensions.code}: ${error.message}` : 'done', made);
}

async function byCall(made: Made, call: Promise<unknown>): Promise<string> {
  return plain(await outcomeOf(call), made);
}

async function statusOf({ id }: Made): Promise<string | undefined> {
  const [row] = await gateway.psql<{ status: string }>(
    'SELECT status FROM module_subscriptions WHERE tenant_id = $1',
    [id],
  );
  return row?.status;
}

const everyPair = () =>
  statuses.tenant_status.flatMap((tenant) =>
    ['none', ...statuses.subscription_status].map((subscription) => [tenant, subscription] as const),
  );

test('the view shows a module exactly where the gateway resolves it, and the fence lets in there', {
  timeout: 120_000,
}, async () => {
  const wrong: unknown[] = [];
  for (const [tenant, subscription] of everyPair()) {
    const made = await tenantWith(tenant, subscription);
    const route = await resolve(gateway, made.id);
    const [row] = await gateway.psql(
      `SELECT coalesce('finance' = ANY (modules_subscribed), false) AS shown, finance_schema FROM tenant_registry WHERE tenant_id = $1`,
      [made.id],
    );
    const resolves = route === made.schema;
    const isLetIn = subscription !== 'none' && bindingState(tenant, subscription) === 'active';
    if (
      (row?.shown ?? false) !== resolves ||
      (row?.finance_schema === made.schema) !== resolves ||
      (resolves && !isLetIn)
    )
      wrong.push({ tenant, subscription, route, row, isLetIn });
  }
  expect(wrong).toEqual([]);
  expect(await resolve(gateway, (await tenantWith('active', 'active')).id)).toMatch(/^finance_/);
});

test('the trigger that looks for what matters to a guard and the operation that tells it mean the same states', async () => {
  const rows = await gateway.psql<{ status: string; state: string }>(
    'SELECT status::text, registry_guard_state(status) AS state FROM unnest(enum_range(NULL::subscription_status)) AS status',
  );
  expect(rows).toEqual(rows.map(({ status }) => ({ status, state: bindingState('active', status) })));
  // And the guard's table can hold each of them.
  const states = new Set(everyPair().map(([tenant, subscription]) => bindingState(tenant, subscription)));
  const { guardSql } = await import('../../src/provisioning/fence/guard-sql.js');
  const held = /CHECK \(state IN \(([^)]+)\)\)/.exec(guardSql)?.[1]?.match(/\w+/g);
  expect(new Set(held)).toEqual(states);
});

describe('what a status refuses is refused by procedure and mutation, in the same words', {
  timeout: 120_000,
}, () => {
  const pairs = () =>
    everyPair().filter(
      ([tenant, subscription]) =>
        tenant === 'active' || subscription === 'none' || subscription === 'pending',
    );

  test('subscribing', async () => {
    const wrong: unknown[] = [];
    for (const [tenant, subscription] of pairs()) {
      const [one, other] = [await tenantWith(tenant, subscription), await tenantWith(tenant, subscription)];
      const mutation = await byMutation('subscribeTenantToModule', one, {
        schemaName: one.schema,
        provision: false,
      });
      const call = await byCall(other, subscribe(gateway, other.id, 'finance', other.schema));
      if (mutation !== call || (await statusOf(one)) !== (await statusOf(other)))
        wrong.push({ tenant, subscription, mutation, call });
    }
    expect(wrong).toEqual([]);
  });

  test.each(['success', 'failed'])('marking as %s', async (status) => {
    const wrong: unknown[] = [];
    for (const [tenant, subscription] of pairs()) {
      const [one, other] = [await tenantWith(tenant, subscription), await tenantWith(tenant, subscription)];
      const mutation = await byMutation('markModuleProvisioned', one, { status: status.toUpperCase() });
      const call = await byCall(other, mark(gateway, other.id, 'finance', status));
      if (mutation !== call || (await statusOf(one)) !== (await statusOf(other)))
        wrong.push({ tenant, subscription, mutation, call });
    }
    expect(wrong).toEqual([]);
  });

  test('marking while an operation works on the storage, or is about to', async () => {
    const wrong: unknown[] = [];
    const refused: string[] = [];
    for (const kind of ['provision_module', 'bind_storage'])
      for (const status of statuses.operation_status) {
        const made = await Promise.all([1, 2].map(() => tenantWith('active', 'pending')));
        const ids: string[] = [];
        for (const { id } of made) {
          const isOver = ['succeeded', 'failed', 'compensated', 'cancelled'].includes(status);
          const [row] = await gateway.psql<{ id: string }>(
            `WITH op AS (INSERT INTO operations (kind, tenant_id, status, actor, finished_at)
                         VALUES ($1::text::operation_kind, $2, $3::text::operation_status, 'x', CASE WHEN $4::boolean THEN now() END) RETURNING id)
             INSERT INTO operation_steps (operation_id, position, name, module)
             SELECT id, 0, 'create_schema', 'finance' FROM op RETURNING operation_id AS id`,
            [kind, id, status, isOver],
          );
          ids.push(row?.id ?? '');
        }
        const [one, other] = made as [Made, Made];
        const mutation = await byMutation('markModuleProvisioned', one, {});
        const call = await byCall(other, mark(gateway, other.id, 'finance', 'success'));
        const hide = (outcome: string) => ids.reduce((text, id) => text.replace(id, '<operation>'), outcome);
        if (hide(mutation) !== hide(call)) wrong.push({ kind, status, mutation, call });
        if (call !== 'done') refused.push(`${kind} ${status}`);
      }
    expect(wrong).toEqual([]);
    expect(refused).toEqual(
      ['queued', 'running', 'compensating'].map((status) => `provision_module ${status}`),
    );
  });

  test('leaving data that was made already', async () => {
    const outcomes: string[] = [];
    for (const columns of ['', `migration_version = 'finance/0001_x.sql'`, 'provisioned_at = now()'])
      for (const door of [
        (made: Made) =>
          byMutation('subscribeTenantToModule', made, { schemaName: uniqueName('f'), provision: false }),
        (made: Made) => byCall(made, subscribe(gateway, made.id, 'finance', uniqueName('f'))),
      ]) {
        const outcome = await door(await tenantWith('active', 'failed', columns));
        outcomes.push(outcome.replace(/: subscribe without .*/, ''));
      }
    const kept = 'CONFLICT: The finance data of tenant <slug> is in finance_<slug>';
    expect(outcomes).toEqual(['done', 'done', kept, kept, kept, kept]);
  });

  test.each([
    (id: string) => id.toUpperCase(),
    (id: string) => `{${id}}`,
    (id: string) => `urn:uuid:${id}`,
    (id: string) => id.replaceAll('-', ''),
    (id: string) => `${id}\n`,
    (id: string) => ` ${id}`,
    (id: string) => id.slice(1),
    () => 'no such',
    () => 'no-such',
  ])('a tenant by a reference such as %s', async (referTo) => {
    const [one, other] = [await tenantWith('active', 'none'), await tenantWith('active', 'none')];
    const references = [one, other].map(({ id }) => referTo(id)) as [string, string];
    const input = { tenantId: references[0], schemaName: one.schema, provision: false };
    const mutation = (await byMutation('subscribeTenantToModule', one, input)).replace(
      references[0],
      '<reference>',
    );
    const call = await byCall(other, subscribe(gateway, references[1], 'finance', other.schema));
    expect(call.replace(references[1], '<reference>')).toBe(mutation);
  });
});

test('an operation has an end date in each status in which it has ended, unless a person has to look at it', async () => {
  const accepted: string[] = [];
  for (const status of statuses.operation_status)
    for (const finished of ['now()', 'NULL'])
      await gateway
        .psql(
          `INSERT INTO operations (kind, status, actor, finished_at) VALUES ('bind_storage', '${status}', 'x', ${finished})`,
        )
        .then(
          () => accepted.push(`${status} ${finished}`),
          () => undefined,
        );
  const ended = statuses.operation_status.filter(
    (status) => status !== 'needs_attention' && hasEnded({ status: status.toUpperCase() as OperationStatus }),
  );
  expect(accepted).toEqual(
    statuses.operation_status.map((status) => `${status} ${ended.includes(status) ? 'now()' : 'NULL'}`),
  );
});

describe('data is kept for as long by hand as by mutation', () => {
  const kept = (table: string, column: string, id: string) =>
    gateway.psql<{ days: number }>(
      `SELECT round(extract(epoch FROM purge_after - now()) / 86400)::int AS days FROM ${table} WHERE ${column} = $1`,
      [id],
    );

  test('of a deleted tenant', async () => {
    const [one, other] = [await tenantWith('active', 'none'), await tenantWith('active', 'none')];
    await mutate(gateway, 'deleteTenant', { tenantId: one.id, wait: 'COMMITTED' });
    await gateway.psql(`UPDATE tenants SET status = 'deleted' WHERE id = $1`, [other.id]);
    expect(await kept('tenants', 'id', other.id)).toEqual(await kept('tenants', 'id', one.id));
  });

  test('of a cancelled subscription', async () => {
    const [one, other] = [await tenantWith('active', 'active'), await tenantWith('active', 'active')];
    await mutate(gateway, 'unsubscribeTenantFromModule', {
      tenantId: one.id,
      module: 'finance',
      wait: 'COMMITTED',
    });
    await gateway.psql(`UPDATE module_subscriptions SET status = 'cancelled' WHERE tenant_id = $1`, [
      other.id,
    ]);
    const days = await kept('module_subscriptions', 'tenant_id', one.id);
    expect(await kept('module_subscriptions', 'tenant_id', other.id)).toEqual(days);
    expect(days).toEqual([{ days: 30 }]);
  });
});
