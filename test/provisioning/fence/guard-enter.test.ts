import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { identifier } from '../../../src/database/identifier.js';
import { guardRefusals } from '../../../src/errors.js';
import { locksHere } from '../../setup/locks.js';
import {
  enter,
  type GuardedDatabase,
  type GuardedTenant,
  openGuardedDatabase,
  readInvoices,
  readSearchPath,
  refusalOf,
} from '../support/guarded-schemas.js';

let guarded: GuardedDatabase;
let acme: GuardedTenant;
let globex: GuardedTenant;
let service: pg.Client;
beforeAll(async () => {
  guarded = await openGuardedDatabase();
  acme = await guarded.addTenant();
  globex = await guarded.addTenant();
});
afterAll(() => guarded[Symbol.asyncDispose]());
beforeEach(async () => {
  service = await guarded.connect();
  onTestFinished(() => service.end());
});

const invoiceOf = (tenant: GuardedTenant) => `invoice of ${tenant.id}`;

async function inTransaction<T>(work: () => Promise<T>): Promise<T> {
  await service.query('BEGIN');
  try {
    return await work();
  } finally {
    await service.query('ROLLBACK');
  }
}

describe('a service that enters', () => {
  test('finds its tenant’s tables, and has its former search_path after the transaction', async () => {
    const before = await readSearchPath(service);
    await service.query('BEGIN');
    expect(await enter(service, acme)).toBe(identifier(acme.schema));
    expect(await readInvoices(service)).toEqual([invoiceOf(acme)]);
    await service.query('COMMIT');
    expect(await readSearchPath(service)).toBe(before);
    await expect(readInvoices(service)).rejects.toThrow('does not exist');
  });

  test.each(['Upper', 'a"b', 'a","b', 'a, b', 'select', '"$user"', 'ü', 'x'.repeat(63)])(
    'a schema named %s is in that schema and in no other',
    async (schema) => {
      const tenant = await guarded.addTenant({ schema });
      await inTransaction(async () => {
        expect(await enter(service, tenant)).toBe(identifier(schema));
        const { rows } = await service.query('SELECT current_schemas(false)::text[] AS path');
        expect(rows).toEqual([{ path: [schema] }]);
        expect(await readInvoices(service)).toEqual([invoiceOf(tenant)]);
      });
    },
  );

  test.each(['$user', 'pg_temp', 'pg_catalog', 'information_schema', 'tenant_guard', ''])(
    'cannot be led into %s, which no binding can name',
    async (schema) => {
      await expect(
        guarded.registry.query(
          `INSERT INTO tenant_guard.binding VALUES ($1, 1, gen_random_uuid(), 'finance', 1, 'active', 'e', 1)`,
          [schema],
        ),
      ).rejects.toThrow('violates check constraint');
    },
  );

  test('twice in one transaction is in the second tenant’s schema alone, and holds the locks of both', async () => {
    await inTransaction(async () => {
      await enter(service, acme);
      await enter(service, globex);
      expect(await readInvoices(service)).toEqual([invoiceOf(globex)]);
      const { rows } = await guarded.registry.query(
        `WITH ${locksHere} SELECT count(*)::int FROM locks_here WHERE locktype = 'advisory' AND mode = 'ShareLock'`,
      );
      expect(rows).toEqual([{ count: 2 }]);
    });
  });

  test('and rolls back to a savepoint has the search_path and the lock that it had there', async () => {
    const holders = async (tenant: GuardedTenant) => {
      await guarded.registry.query('BEGIN');
      const { rows } = await guarded.registry.query(
        `SELECT pg_try_advisory_xact_lock(hashtextextended('tenant_guard/enter/' || $1, 0)) AS "isEmpty"`,
        [tenant.schema],
      );
      await guarded.registry.query('ROLLBACK');
      return rows[0].isEmpty ? 0 : 1;
    };
    const outside = await readSearchPath(service);
    await inTransaction(async () => {
      await service.query('SAVEPOINT first');
      await enter(service, acme);
      await service.query('SAVEPOINT second');
      await enter(service, globex);
      expect([await holders(acme), await holders(globex)]).toEqual([1, 1]);
      await service.query('ROLLBACK TO second');
      expect(await readInvoices(service)).toEqual([invoiceOf(acme)]);
      expect([await holders(acme), await holders(globex)]).toEqual([1, 0]);
      await service.query('ROLLBACK TO first');
      expect(await readSearchPath(service)).toBe(outside);
      expect([await holders(acme), await holders(globex)]).toEqual([0, 0]);
    });
  });

  test('keeps the lock after it releases a savepoint', async () => {
    await inTransaction(async () => {
      await service.query('SAVEPOINT part');
      await enter(service, acme);
      await service.query('RELEASE part');
      const { rows } = await guarded.registry.query(
        `SELECT pg_try_advisory_lock(hashtextextended('tenant_guard/enter/' || $1, 0)) AS got`,
        [acme.schema],
      );
      expect(rows).toEqual([{ got: false }]);
    });
  });

  test('and is refused is in no tenant’s schema, even when it continues from a savepoint', async () => {
    await inTransaction(async () => {
      await service.query('SAVEPOINT before');
      expect(await refusalOf(enter(service, { ...acme, generation: 2 }))).toBe('TR001 ROUTE_STALE');
      expect(await refusalOf(readInvoices(service))).toMatch(/^25P02 /);
      await service.query('ROLLBACK TO before');
      await expect(readInvoices(service)).rejects.toThrow('does not exist');
    });
  });
});

describe('enter refuses', () => {
  const stranger = { id: randomUUID(), schema: 'nowhere', generation: 1 };
  test.each<[string, () => Parameters<typeof enter>[1]]>([
    ['a schema without a binding', () => stranger],
    ['another tenant', () => ({ ...acme, id: globex.id })],
    ['another schema', () => ({ ...acme, schema: globex.schema })],
    ['an older generation', () => ({ ...acme, generation: acme.generation - 1 })],
    ['a newer generation', () => ({ ...acme, generation: acme.generation + 1 })],
    ['no tenant', () => ({ ...acme, id: null })],
    ['no schema', () => ({ ...acme, schema: null })],
    ['no generation', () => ({ ...acme, generation: null })],
    ['a name in quotes', () => ({ ...acme, schema: identifier(acme.schema) })],
    ['a list of names', () => ({ ...acme, schema: `${acme.schema}, ${globex.schema}` })],
  ])('%s as ROUTE_STALE', async (_what, forged) => {
    expect(await refusalOf(enter(service, forged()))).toBe('TR001 ROUTE_STALE');
  });

  test.each([
    ['suspended', 'TR002 TENANT_SUSPENDED'],
    ['closed', 'TR003 MODULE_NOT_SUBSCRIBED'],
    ['not_ready', 'TR004 TENANT_NOT_READY'],
  ] as const)('a tenant that is %s, and lets it in when it is active again', async (state, refusal) => {
    const tenant = await guarded.addTenant();
    await guarded.bind(tenant, state);
    expect(await refusalOf(enter(service, tenant))).toBe(refusal);
    expect(await refusalOf(enter(service, { ...tenant, generation: 99 }))).toBe('TR001 ROUTE_STALE');
    await guarded.bind(tenant, 'active');
    expect(await refusalOf(enter(service, tenant))).toBe('none');
  });

  test('every session while a suspension waits for the schema to be empty', async () => {
    const waiting = await guarded.connect();
    await inTransaction(async () => {
      await enter(service, acme);
      const left = waiting.query(
        `SELECT pg_advisory_lock(hashtextextended('tenant_guard/enter/' || $1, 0))`,
        [acme.schema],
      );
      await expect
        .poll(async () => {
          const other = await guarded.connect();
          const refusal = await refusalOf(enter(other, acme));
          await other.end();
          return refusal;
        })
        .toBe('TR004 TENANT_NOT_READY');
      await service.query('ROLLBACK');
      await left;
    });
    await waiting.end();
  });

  test('with the SQLSTATEs of the table of errors, and no others', async () => {
    const { rows } = await guarded.registry.query(
      `SELECT DISTINCT found[1] AS code, found[2] AS "sqlState"
       FROM pg_proc, regexp_matches(prosrc, 'RAISE EXCEPTION ''([A-Z_]+):[^;]*ERRCODE = ''(TR...)''', 'g') AS found
       WHERE pronamespace = 'tenant_guard'::regnamespace`,
    );
    expect(Object.fromEntries(rows.map(({ code, sqlState }) => [sqlState, code]))).toEqual(guardRefusals);
  });
});

describe('a service cannot', () => {
  test.each([
    ['read the bindings', 'SELECT * FROM tenant_guard.binding'],
    ['change them', `UPDATE tenant_guard.binding SET state = 'active'`],
    ['lock them', 'SELECT FROM tenant_guard.binding FOR SHARE'],
    ['add one', `INSERT INTO tenant_guard.binding (schema_name) VALUES ('x')`],
    ['remove them', 'DELETE FROM tenant_guard.binding'],
    ['call what enter calls', `SELECT tenant_guard.is_newest('0')`],
    ['replace enter', 'ALTER FUNCTION tenant_guard.enter(uuid, text, int) SECURITY INVOKER'],
    ['put anything beside it', 'CREATE TABLE tenant_guard.own (id int)'],
  ])('%s', async (_what, sql) => {
    expect(await refusalOf(service.query(sql))).toMatch(/^42501 /);
  });

  test('deceive the guard with functions, operators or tables of its own', async () => {
    const { role } = guarded;
    await guarded.registry.query(`CREATE SCHEMA hostile AUTHORIZATION ${role}`);
    await service.query(`
      CREATE FUNCTION hostile.hashtextextended(text, bigint) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint';
      CREATE FUNCTION hostile.replace(text, text, text) RETURNS text LANGUAGE sql AS $$SELECT '${globex.schema}'::text$$;
      CREATE FUNCTION hostile.same(a uuid, b uuid) RETURNS boolean LANGUAGE sql AS 'SELECT true';
      CREATE OPERATOR hostile.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = hostile.same);
      CREATE TEMP TABLE binding (schema_name text, tenant_id uuid, generation int, state text);
      CREATE FUNCTION pg_temp.replace(text, text, text) RETURNS text LANGUAGE sql AS 'SELECT ''hostile''::text';
      SET search_path = hostile, pg_temp, pg_catalog`);
    expect(await refusalOf(enter(service, { ...acme, id: globex.id }))).toBe('TR001 ROUTE_STALE');
    expect(await enter(service, acme)).toBe(identifier(acme.schema));
  });
});

test('10,000 stale, forged or suspended routes read no row', async () => {
  const closed: GuardedTenant[] = [];
  for (const state of ['suspended', 'closed', 'not_ready'] as const)
    closed.push(await guarded.addTenant({ state }));
  const open = [acme, globex];
  const tricks = [
    'public',
    'pg_catalog',
    '',
    `${acme.schema} `,
    `"${acme.schema}"`,
    acme.schema.toUpperCase(),
  ];
  const tries = 10_000;
  /** A different wrong route for each number. */
  function forge(at: number): Parameters<typeof enter>[1] {
    const tenant = open[at % 2] ?? acme;
    const other = open[(at + 1) % 2] ?? globex;
    const far = Math.trunc(at / 8) + 1;
    const forgeries: Parameters<typeof enter>[1][] = [
      { ...tenant, id: randomUUID() },
      { ...tenant, id: other.id },
      { ...tenant, schema: other.schema },
      { ...tenant, generation: tenant.generation - far },
      { ...tenant, generation: tenant.generation + far },
      { ...tenant, schema: tricks[far % tricks.length] ?? '' },
      closed[far % closed.length] ?? acme,
      { ...tenant, [['id', 'schema', 'generation'][far % 3] ?? 'id']: null },
    ];
    return forgeries[at % forgeries.length] ?? acme;
  }

  const read = { true: 0, forged: 0 };
  let refused = 0;
  const services = await Promise.all(Array.from({ length: 4 }, () => guarded.connect()));
  await Promise.all(
    services.map(async (client, first) => {
      for (let at = first; at < tries; at += services.length) {
        // Also without a transaction, where the next statement runs even when the first one failed.
        const isInTransaction = at % 3 > 0;
        if (isInTransaction) await client.query('BEGIN');
        const refusal = await refusalOf(enter(client, forge(at)));
        if (/^TR00\d [A-Z_]+$/.test(refusal)) refused++;
        const rows = await readInvoices(client).catch(() => []);
        read.forged += rows.length;
        if (isInTransaction) await client.query('ROLLBACK');
      }
      for (const tenant of open) {
        await client.query('BEGIN');
        await enter(client, tenant);
        const rows = await readInvoices(client);
        read.true += rows.length;
        await client.query('COMMIT');
      }
    }),
  );
  expect({ refused, read }).toEqual({ refused: tries, read: { true: 8, forged: 0 } });
});
