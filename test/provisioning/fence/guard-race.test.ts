import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { drainSchema } from '../../../src/provisioning/fence/drain.js';
import {
  enter,
  type GuardedDatabase,
  type GuardedTenant,
  openGuardedDatabase,
  readInvoices,
  refusalOf,
} from '../support/guarded-schemas.js';

let guarded: GuardedDatabase;
let acme: GuardedTenant;
let service: pg.Client;
beforeAll(async () => {
  guarded = await openGuardedDatabase();
});
afterAll(() => guarded[Symbol.asyncDispose]());
beforeEach(async () => {
  acme = await guarded.addTenant();
  service = await guarded.connect();
  onTestFinished(() => service.end());
});

const mayBeOld = [
  'REPEATABLE READ',
  'REPEATABLE READ READ ONLY',
  'SERIALIZABLE',
  'SERIALIZABLE READ ONLY',
  'SERIALIZABLE READ ONLY DEFERRABLE',
];

const runAgain = '40001 ROUTE_STALE';

/** Opens a transaction and takes its snapshot, if its isolation level has one per transaction. */
async function begin(isolation: string): Promise<void> {
  await service.query(`BEGIN ISOLATION LEVEL ${isolation}`);
  await service.query('SELECT 1');
}

const updateInOpenTransaction = async () => {
  await guarded.registry.query('BEGIN');
  await guarded.registry.query(`UPDATE tenant_guard.binding SET state = 'suspended' WHERE schema_name = $1`, [
    acme.schema,
  ]);
};

describe.each(mayBeOld)('a %s transaction', (isolation) => {
  test('enters, and reads its tenant’s rows', async () => {
    await begin(isolation);
    await enter(service, acme);
    expect(await readInvoices(service)).toHaveLength(1);
  });

  test('whose snapshot is older than the suspension is refused, though its snapshot shows an active tenant', async () => {
    await begin(isolation);
    await guarded.bind(acme, 'suspended');
    expect(await drainSchema(guarded.registry, acme.schema, { deadlineMs: 0 })).toBe(0);
    expect(await refusalOf(enter(service, acme))).toBe(runAgain);
    await service.query('ROLLBACK');
    await begin(isolation);
    expect(await refusalOf(enter(service, acme))).toBe('TR002 TENANT_SUSPENDED');
  });

  test('whose snapshot is older than the removal of the binding is refused', async () => {
    await begin(isolation);
    await guarded.registry.query('DELETE FROM tenant_guard.binding WHERE schema_name = $1', [acme.schema]);
    expect(await refusalOf(enter(service, acme))).toBe(runAgain);
  });

  test('is refused while a suspension is being written, and admitted after one was rolled back', async () => {
    await updateInOpenTransaction();
    await begin(isolation);
    expect(await refusalOf(enter(service, acme))).toBe(runAgain);
    await service.query('ROLLBACK');
    await guarded.registry.query('ROLLBACK');
    await begin(isolation);
    expect(await refusalOf(enter(service, acme))).toBe('none');
  });
});

test('a READ COMMITTED transaction enters while a suspension is being written, and the suspension sees it', async () => {
  await updateInOpenTransaction();
  await begin('READ COMMITTED');
  expect(await refusalOf(enter(service, acme))).toBe('none');
  await guarded.registry.query('COMMIT');
  expect(await drainSchema(guarded.registry, acme.schema, { deadlineMs: 0 })).toBe(1);
  await expect(readInvoices(service)).rejects.toThrow();
});

test('a READ COMMITTED transaction is refused after a suspension, however old it is', async () => {
  await begin('READ COMMITTED');
  await guarded.bind(acme, 'suspended');
  expect(await refusalOf(enter(service, acme))).toBe('TR002 TENANT_SUSPENDED');
});

test('a transaction whose snapshot is taken by enter itself is refused, in a function declared stable', async () => {
  await service.query(`
    CREATE FUNCTION pg_temp.calm(tenant uuid, name text, generation int) RETURNS text LANGUAGE plpgsql STABLE AS
    $$ BEGIN PERFORM pg_sleep(0.3); RETURN tenant_guard.enter(tenant, name, generation); END $$`);
  const entered = refusalOf(service.query('SELECT pg_temp.calm($1, $2, $3)', [acme.id, acme.schema, 3]));
  await delay(100);
  await guarded.bind(acme, 'suspended');
  expect(await entered).toBe('TR002 TENANT_SUSPENDED');
});

/**
 * Services of every isolation level enter and leave while the tenant is suspended and resumed. `closed` increases when a
 * suspension has been drained and when a resume starts, so it is odd while no session may be inside.
 */
test('of all sessions that enter while a tenant is suspended and resumed, none reads after the suspension', {
  timeout: 120_000,
}, async () => {
  const [leastMs, mostMs] = [4_000, 25_000];
  const from = Date.now();
  let closed = 0;
  const seen = { suspensions: 0, reads: 0, refused: 0, late: [] as string[], surprises: [] as string[] };
  /** A lower bound that also a slow machine must reach, so that the test proves something. */
  const isEnough = () => seen.suspensions > 20 && seen.reads > 200 && seen.refused > 50;
  const goesOn = () => Date.now() < from + (isEnough() ? leastMs : mostMs);

  async function visit(client: pg.Client, isolation: string): Promise<void> {
    await client.query(`BEGIN ISOLATION LEVEL ${isolation}`);
    // Half of the sessions take their snapshot a moment before they enter.
    if (Math.random() < 0.5) await client.query('SELECT 1');
    await enter(client, acme);
    for (let statement = 0; statement < 3; statement++) {
      const before = closed;
      await readInvoices(client);
      seen.reads++;
      if (before % 2 === 1 && closed === before) seen.late.push(`${isolation}, statement ${statement}`);
      if (Math.random() < 0.3) await delay(Math.random() * 30);
    }
    await client.query('COMMIT');
  }

  async function comeAndGo(isolation: string): Promise<void> {
    let client = await guarded.connect();
    while (goesOn()) {
      const refusal = await visit(client, isolation).then(
        () => undefined,
        (error) => error,
      );
      if (refusal === undefined) continue;
      seen.refused++;
      const isCutOff = /terminat|not queryable/.test(refusal.message);
      if (!isCutOff && !/TENANT_SUSPENDED|TENANT_NOT_READY|ROUTE_STALE/.test(refusal.message))
        seen.surprises.push(refusal.message);
      if (isCutOff) client = await guarded.connect();
      else
        await client.query('ROLLBACK').catch(async () => {
          client = await guarded.connect();
        });
    }
  }

  async function suspendAndResume(): Promise<void> {
    while (goesOn()) {
      await guarded.bind(acme, 'suspended');
      await drainSchema(guarded.registry, acme.schema, { deadlineMs: 15 });
      closed++;
      await delay(Math.random() * 20);
      closed++;
      await guarded.bind(acme, 'active');
      await delay(Math.random() * 20);
      seen.suspensions++;
    }
  }

  const visitors = ['READ COMMITTED', 'READ COMMITTED', 'READ COMMITTED READ ONLY', ...mayBeOld.slice(0, 4)];
  await Promise.all([suspendAndResume(), ...visitors.map(comeAndGo)]);
  expect(seen).toMatchObject({ late: [], surprises: [] });
  expect(isEnough()).toBe(true);
});
