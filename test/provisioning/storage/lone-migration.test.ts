import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type LoneSchemas, openLoneSchemas } from '../support/lone-schemas.js';

let schemas: LoneSchemas;
let schema: string;
beforeAll(async () => {
  schemas = await openLoneSchemas();
});
afterAll(() => schemas[Symbol.asyncDispose]());
beforeEach(async () => {
  schema = await schemas.makeSchema();
});

const createIndex = 'CREATE INDEX CONCURRENTLY t_a_idx ON t (a)';

/** Work of a file that runs alone: what it needs, what it does, and how an interruption can leave it. */
const kinds: Record<string, { before?: string; sql: string; holds: string; done: string; half?: string }> = {
  'CREATE INDEX CONCURRENTLY': {
    sql: createIndex,
    holds: `SELECT indisvalid AS yes FROM pg_index WHERE indexrelid = '$.t_a_idx'::regclass`,
    done: 'CREATE INDEX t_a_idx ON $.t (a)',
    half: `CREATE INDEX t_a_idx ON $.t (a); UPDATE pg_index SET indisvalid = false WHERE indexrelid = '$.t_a_idx'::regclass`,
  },
  'DROP INDEX CONCURRENTLY': {
    before: 'CREATE INDEX t_b_idx ON $.t (b)',
    sql: 'DROP INDEX CONCURRENTLY t_b_idx',
    holds: `SELECT to_regclass('$.t_b_idx') IS NULL AS yes`,
    done: 'DROP INDEX $.t_b_idx',
    half: `UPDATE pg_index SET indisvalid = false, indisready = false WHERE indexrelid = '$.t_b_idx'::regclass`,
  },
  'ALTER TYPE … ADD VALUE': {
    before: `CREATE TYPE $.mood AS ENUM ('good', 'bad')`,
    sql: `ALTER TYPE mood ADD VALUE 'fair' AFTER 'good'`,
    holds: `SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder) = 'good,fair,bad' AS yes FROM pg_enum WHERE enumtypid = '$.mood'::regtype`,
    done: `ALTER TYPE $.mood ADD VALUE 'fair' AFTER 'good'`,
  },
  'DETACH PARTITION CONCURRENTLY': {
    before:
      'CREATE TABLE $.p (a int) PARTITION BY LIST (a); CREATE TABLE $.p1 PARTITION OF $.p FOR VALUES IN (1)',
    sql: 'ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY',
    holds: `SELECT NOT relispartition AS yes FROM pg_class WHERE oid = '$.p1'::regclass`,
    done: 'ALTER TABLE $.p DETACH PARTITION $.p1',
    half: `UPDATE pg_inherits SET inhdetachpending = true WHERE inhrelid = '$.p1'::regclass`,
  },
  'REINDEX INDEX CONCURRENTLY': {
    before: 'CREATE INDEX t_b_idx ON $.t (b)',
    sql: 'REINDEX INDEX CONCURRENTLY t_b_idx',
    holds: `SELECT bool_and(indisvalid) AND count(*) = 1 AS yes FROM pg_index WHERE indrelid = '$.t'::regclass`,
    done: 'SELECT 1',
    half: `CREATE INDEX t_b_idx_ccnew ON $.t (b); UPDATE pg_index SET indisvalid = false WHERE indexrelid = '$.t_b_idx_ccnew'::regclass`,
  },
  'REINDEX TABLE CONCURRENTLY': {
    before: 'CREATE INDEX t_b_idx ON $.t (b)',
    sql: 'REINDEX TABLE CONCURRENTLY t',
    holds: `SELECT bool_and(indisvalid) AND count(*) = 1 AS yes FROM pg_index WHERE indrelid = '$.t'::regclass`,
    done: 'SELECT 1',
    half: `CREATE INDEX t_b_idx_ccold2 ON $.t (b); UPDATE pg_index SET indisvalid = false WHERE indexrelid = '$.t_b_idx_ccold2'::regclass`,
  },
  VACUUM: { sql: 'VACUUM (ANALYZE) t', holds: 'SELECT true AS yes', done: 'SELECT 1' },
};

const inSchema = (sql: string) => sql.replaceAll('$', schema);
const holds = async (sql: string) => (await schemas.ask<{ yes: boolean }>(inSchema(sql)))[0]?.yes;
/** As an interrupted attempt leaves it: the state row is there, the record is not. */
const interrupt = () =>
  schemas.ask('DELETE FROM tenant_guard.schema_version WHERE schema_name = $1', [schema]);

describe.each(Object.entries(kinds))(
  '%s',
  (_kind, { before = 'SELECT 1', sql, holds: result, done, half }) => {
    beforeEach(async () => {
      await schemas.ask(inSchema(before));
    });

    test('runs, and is recorded with no state row left', async () => {
      await schemas.run(schema, sql);
      expect(await holds(result)).toBe(true);
      expect([await schemas.applied(schema), await schemas.states(schema)]).toEqual([
        ['crm/0002_lone.sql'],
        [],
      ]);
    });

    test('that was done before the interruption is recorded, and not done twice', async () => {
      await beginOnly(sql);
      await schemas.ask(inSchema(done));
      const marks = await readMarks();
      await schemas.run(schema, sql);
      expect(await holds(result)).toBe(true);
      if (!/VACUUM|REINDEX/.test(sql)) expect(await readMarks()).toEqual(marks);
      expect([await schemas.applied(schema), await schemas.states(schema)]).toEqual([
        ['crm/0002_lone.sql'],
        [],
      ]);
    });

    // ADD VALUE and VACUUM have no half.
    if (half === undefined) return;
    test('that was half done is completed', async () => {
      await beginOnly(sql);
      await schemas.ask(inSchema(half));
      await schemas.run(schema, sql);
      expect(await holds(result)).toBe(true);
      expect([await schemas.applied(schema), await schemas.states(schema)]).toEqual([
        ['crm/0002_lone.sql'],
        [],
      ]);
    });
  },
);

/** Runs the file until its state row stands, and no further. */
async function beginOnly(sql: string): Promise<void> {
  const client = await schemas.connect();
  const query = client.query.bind(client);
  Object.assign(client, {
    query: (text: unknown, ...rest: never[]) => {
      if (typeof text === 'string' && text.startsWith('-- transaction') === false && text.includes(sql))
        throw new Error('interrupted');
      return query(text as string, ...rest);
    },
  });
  await expect(schemas.run(schema, sql, { client })).rejects.toThrow('interrupted');
  expect(await schemas.states(schema)).toHaveLength(1);
  await client.end();
}

/** Identity of all relations and types of the schema: it changes when one is made again. */
function readMarks() {
  return schemas.ask(
    `SELECT relname, oid, relfilenode FROM pg_class WHERE relnamespace = $1::regnamespace
     UNION ALL SELECT enumlabel, pg_enum.oid, 0 FROM pg_enum JOIN pg_type ON pg_type.oid = enumtypid WHERE typnamespace = $1::regnamespace ORDER BY 1`,
    [schema],
  );
}

describe('an index', () => {
  test('that the registry did not make is left, and the refusal names it', async () => {
    await schemas.ask(inSchema('CREATE INDEX t_a_idx ON $.t (b)'));
    await expect(schemas.run(schema, createIndex)).rejects.toThrow(
      `Migration crm/0002_lone.sql cannot create index t_a_idx in schema ${schema}, which has a relation of this name that the registry did not make`,
    );
    expect(await schemas.indexes(schema)).toEqual({ t_a_idx: true });
  });

  test('that cannot be built leaves no invalid index behind, and can be built once the rows allow it', async () => {
    const sql = 'CREATE UNIQUE INDEX CONCURRENTLY t_b_key ON t (b)';
    await expect(schemas.run(schema, sql)).rejects.toThrow(
      /^Migration crm\/0002_lone\.sql failed: could not create unique index/,
    );
    expect(await schemas.indexes(schema)).toEqual({});
    await schemas.ask(inSchema('DELETE FROM $.t WHERE a > 5'));
    await schemas.run(schema, sql);
    expect(await schemas.indexes(schema)).toEqual({ t_b_key: true });
  });

  test('of an older text of the file is dropped, and the new one is built', async () => {
    await beginOnly(createIndex);
    await schemas.ask(inSchema(kinds['CREATE INDEX CONCURRENTLY']?.half ?? ''));
    await schemas.run(schema, 'CREATE INDEX CONCURRENTLY t_ab_idx ON t (a, b)');
    expect(await schemas.indexes(schema)).toEqual({ t_ab_idx: true });
  });

  test('that an older text of the file was to rebuild stays', async () => {
    await schemas.ask(inSchema('CREATE INDEX t_b_idx ON $.t (b)'));
    await beginOnly('REINDEX INDEX CONCURRENTLY t_b_idx');
    const [before] = await schemas.ask<{ oid: number }>(inSchema(`SELECT '$.t_b_idx'::regclass::oid AS oid`));
    await schemas.run(schema, 'REINDEX INDEX CONCURRENTLY "t_b_idx"');
    expect(await schemas.indexes(schema)).toEqual({ t_b_idx: true });
    expect(before).toBeDefined();
  });

  test('whose columns changed in the file since the interruption is built again', async () => {
    await beginOnly(createIndex);
    await schemas.ask(inSchema('CREATE INDEX t_a_idx ON $.t (a)'));
    await schemas.run(schema, 'CREATE INDEX CONCURRENTLY t_a_idx ON t (b)');
    const [row] = await schemas.ask<{ text: string }>(
      `SELECT pg_get_indexdef('${schema}.t_a_idx'::regclass) AS text`,
    );
    expect(row?.text).toContain('(b)');
  });

  test('of a dropped schema of the same name is not taken for a beginning', async () => {
    await beginOnly(createIndex);
    await schemas.ask(
      inSchema(
        'DROP SCHEMA $ CASCADE; CREATE SCHEMA $; CREATE TABLE $.t (a int); CREATE INDEX t_a_idx ON $.t (a)',
      ),
    );
    await expect(schemas.run(schema, createIndex)).rejects.toThrow('that the registry did not make');
  });
});

test('the session is as it was afterwards, also after a failure', async () => {
  const client = await schemas.connect();
  const settings = async () =>
    (
      await client.query(`SELECT current_setting('search_path') AS p, current_setting('lock_timeout') AS l,
      current_setting('statement_timeout') AS s, current_user AS u`)
    ).rows;
  const before = await settings();
  await schemas.run(schema, createIndex, { client });
  await interrupt();
  await expect(schemas.run(schema, 'VACUUM missing', { client })).rejects.toThrow('missing');
  expect(await settings()).toEqual(before);
  await client.end();
});

test('a lock that services would queue behind is waited for no longer than the bound', async () => {
  await schemas.ask(inSchema(kinds['DETACH PARTITION CONCURRENTLY']?.before ?? ''));
  const other = await schemas.connect();
  await other.query(inSchema('BEGIN; LOCK TABLE $.p1 IN ACCESS SHARE MODE'));
  await expect(schemas.run(schema, 'VACUUM FULL p1', { lockTimeoutMs: 50 })).rejects.toThrow('lock timeout');
  await other.query('ROLLBACK');
  await other.end();
});
