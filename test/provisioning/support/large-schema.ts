import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { onTestFinished } from 'vitest';
import { openServiceDatabases } from '../../../src/database/service-databases.js';
import { openLog } from '../../../src/log.js';
import type { StorageTarget } from '../../../src/provisioning/storage/storage-location.js';
import { uniqueName } from '../../setup/database.js';

/** SQL that makes a part of a kind, with its number and the number before it. Each part takes two locks or more when it is dropped. */
export const kinds: Record<string, { before?: string; each: string }> = {
  'tables with an identity, a serial and an index': {
    each: 'CREATE TABLE t_%1$s (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, serial serial, text text UNIQUE)',
  },
  'tables that all refer to one': {
    before: 'CREATE TABLE hub (id int PRIMARY KEY)',
    each: 'CREATE TABLE spoke_%1$s (id int PRIMARY KEY, hub int REFERENCES hub, text text)',
  },
  'tables that refer to each other': {
    before: 'CREATE TABLE ring_0 (id int PRIMARY KEY)',
    each: 'CREATE TABLE ring_%1$s (id int PRIMARY KEY, next int REFERENCES ring_0); ALTER TABLE ring_0 ADD FOREIGN KEY (id) REFERENCES ring_%1$s DEFERRABLE',
  },
  'views on one table': {
    before: 'CREATE TABLE seen (id int)',
    each: 'CREATE VIEW view_%1$s AS SELECT * FROM seen; CREATE MATERIALIZED VIEW kept_%1$s AS SELECT * FROM view_%1$s',
  },
  'a chain of views': {
    before: 'CREATE VIEW chain_0 AS SELECT 1 AS one',
    each: 'CREATE VIEW chain_%1$s AS SELECT * FROM chain_%2$s; CREATE VIEW side_%1$s AS SELECT * FROM chain_%1$s',
  },
  partitions: {
    before: 'CREATE TABLE whole (id int PRIMARY KEY) PARTITION BY RANGE (id)',
    each: 'CREATE TABLE part_%1$s PARTITION OF whole FOR VALUES FROM (%1$s) TO (%1$s + 1)',
  },
  'inherited tables': {
    before: 'CREATE TABLE parent (id int)',
    each: 'CREATE TABLE child_%1$s (own int PRIMARY KEY, text text) INHERITS (parent)',
  },
  'defaults from one sequence': {
    before: 'CREATE SEQUENCE shared',
    each: `CREATE TABLE numbered_%1$s (id bigint DEFAULT nextval('shared')); CREATE SEQUENCE alone_%1$s`,
  },
  'columns of one type': {
    before: `CREATE TYPE color AS ENUM ('red'); CREATE DOMAIN short AS text; CREATE TYPE pair AS (one int, two color)`,
    each: 'CREATE TABLE typed_%1$s (color color, short short, pair pair); CREATE TYPE enum_%1$s AS ENUM (\'a\'); CREATE DOMAIN "Odd %1$s" AS enum_%1$s; CREATE TYPE range_%1$s AS RANGE (subtype = date)',
  },
  'functions, procedures, aggregates and triggers': {
    before:
      'CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN RETURN NEW; END $f$; CREATE TABLE called (id int)',
    each: `CREATE FUNCTION "f %1$s"(called, VARIADIC int[]) RETURNS SETOF called LANGUAGE sql AS 'SELECT * FROM called';
      CREATE PROCEDURE p_%1$s(INOUT a int) LANGUAGE sql AS 'SELECT 1'; CREATE AGGREGATE a_%1$s(int) (SFUNC = int4pl, STYPE = int);
      CREATE TRIGGER trigger_%1$s BEFORE INSERT ON called FOR EACH ROW EXECUTE FUNCTION touched()`,
  },
};

/** A database with a bound schema, and the calls that a test makes. */
export async function aLargeSchema(url: string) {
  const databases = openServiceDatabases({ urls: { CRM_DB_URL: url }, log: openLog('silent') });
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  // A test may stop the server first.
  client.on('error', () => undefined);
  onTestFinished(async () => {
    await client.end();
    await databases.close();
  });
  const databaseName = new URL(url).pathname.slice(1);
  const schemaName = uniqueName('large');
  let portions = 0;
  /** The number of the portion after which the operation is lost, as when another worker has taken it over. */
  let lostAfter = Number.POSITIVE_INFINITY;
  const target: StorageTarget = {
    owner: { tenantId: randomUUID(), module: 'crm' },
    isolation: 'SCHEMA',
    reference: { databaseRef: 'CRM_DB_URL', databaseName },
    databaseName,
    schemaName,
    generation: 1,
    migrations: [{ name: 'x/1.sql', sql: 'CREATE TABLE first (id int)', checksum: '0'.repeat(64) }],
    requireHeld: async () => {
      if (portions++ >= lostAfter) throw new Error('lost');
    },
  };
  const ask = async (sql: string) => (await client.query<Record<string, string | number>>(sql)).rows;
  return {
    databases,
    target,
    ask,
    /** Makes parts, a few in each transaction. */
    async fill(kind: string, count: number) {
      const { before, each } = kinds[kind] ?? { each: '' };
      await ask(`SET search_path = ${schemaName}`);
      if (before) await ask(before);
      const quoted = pg.escapeLiteral(each);
      for (let from = 1; from <= count; from += 20)
        await ask(
          `DO $do$ BEGIN FOR n IN ${from}..${Math.min(count, from + 19)} LOOP EXECUTE format(${quoted}, n, n - 1); END LOOP; END $do$`,
        );
    },
    loseAfter(count: number) {
      portions = 0;
      lostAfter = count;
    },
    portions: () => portions,
    /** The SQLSTATE with which the server refuses to drop the schema at once; undefined when it has done it. */
    async refuseWhole() {
      const refused = await client.query(`DROP SCHEMA ${schemaName} CASCADE`).catch((error) => error);
      // The server releases the locks after it has told the error.
      await ask('SELECT 1');
      return refused.code as string | undefined;
    },
    /** Number of its relations and constraints. */
    parts: async () =>
      Number(
        (
          await ask(`SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace('${schemaName}'))
            + (SELECT count(*) FROM pg_constraint WHERE connamespace = to_regnamespace('${schemaName}')) AS count`)
        )[0]?.count,
      ),
    bindings: () => ask(`SELECT state FROM tenant_guard.binding WHERE schema_name = '${schemaName}'`),
    exists: async () => (await ask(`SELECT FROM pg_namespace WHERE nspname = '${schemaName}'`)).length === 1,
  };
}
