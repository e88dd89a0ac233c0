import { describe, expect, test } from 'vitest';
import { parseFile } from '../../../../src/provisioning/storage/files/parsed-file.js';
import { checkModuleFiles } from '../../../../src/provisioning/storage/module-check.js';
import { findMissing, readModuleMigrations } from '../../../../src/provisioning/storage/module-migrations.js';
import { aModuleFolder } from '../../support/module-folder.js';

const check = async (files: Record<string, string | Buffer>) =>
  checkModuleFiles(await aModuleFolder(files), 'crm');

const dump = `--
-- PostgreSQL database dump
--

\\restrict dHJhdmVs

SET statement_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);
CREATE TABLE public.invoice (id integer NOT NULL);
\\unrestrict dHJhdmVs
`;

/** One wrong file each: its text, the line and code of what is refused, and a part of the message. */
const wrong: Record<string, [sql: string, line: number, code: string, says: string | RegExp]> = {
  'an output of pg_dump': [
    dump,
    5,
    'PSQL_COMMAND',
    /^\\restrict is a command of psql.*the file is an output of pg_dump/,
  ],
  'an output of an older pg_dump': [
    dump.replaceAll(/^\\.*$/gm, ''),
    7,
    'SESSION_SETTING',
    'SET STATEMENT_TIMEOUT changes the session',
  ],
  'the search_path that pg_dump sets': [
    `CREATE TABLE t (a int);\nSELECT pg_catalog.set_config('search_path', '', false);`,
    2,
    'SESSION_SETTING',
    'SELECT changes the session',
  ],
  '\\connect': [
    '\\connect crm\nCREATE TABLE t (a int);',
    1,
    'PSQL_COMMAND',
    '\\connect is a command of psql',
  ],
  'a psql command behind a statement': [
    'CREATE TABLE t (a int);\nSELECT 1 \\gset',
    2,
    'PSQL_COMMAND',
    '\\gset',
  ],
  'data of COPY': [
    'CREATE TABLE t (a int);\nCOPY t (a) FROM stdin;\n1\n\\.\n',
    3,
    'COPIED_DATA',
    'FROM stdin',
  ],
  'COPY from a file': [`COPY t FROM '/etc/passwd'`, 1, 'COPIED_DATA', 'COPY'],
  'COPY to a program': [`COPY t TO PROGRAM 'cat'`, 1, 'COPIED_DATA', 'COPY'],
  'a table in public': [
    '\n\nCREATE TABLE public.x (id int)',
    3,
    'OTHER_SCHEMA',
    'public.x names schema public',
  ],
  'a type of another schema': [
    'CREATE TABLE x (id extra.t)',
    1,
    'OTHER_SCHEMA',
    'extra.t names schema extra',
  ],
  'a function of another schema': ['CREATE TABLE x (id int DEFAULT extra.f())', 1, 'OTHER_SCHEMA', 'extra.f'],
  'an operator of another schema': ['SELECT 1 OPERATOR(extra.+) 1', 1, 'OTHER_SCHEMA', 'extra.+'],
  'a collation of another schema': ['CREATE TABLE x (a text COLLATE extra.c)', 1, 'OTHER_SCHEMA', 'extra.c'],
  'a foreign key elsewhere': [
    'CREATE TABLE x (a int REFERENCES public.t (a))',
    1,
    'OTHER_SCHEMA',
    'public.t',
  ],
  'a view of other tables': ['CREATE VIEW v AS SELECT * FROM public.t', 1, 'OTHER_SCHEMA', 'public.t'],
  'a function body that reads elsewhere': [
    'CREATE FUNCTION f() RETURNS int LANGUAGE sql\nBEGIN ATOMIC\nSELECT a FROM public.t; END',
    1,
    'OTHER_SCHEMA',
    'public.t',
  ],
  'a name in a string': [
    `CREATE TABLE t (id int DEFAULT nextval('public.s'))`,
    1,
    'OTHER_SCHEMA',
    'public.s',
  ],
  'a name in a cast string': [`SELECT 'public.t'::regclass`, 1, 'OTHER_SCHEMA', 'public.t'],
  'a dropped table elsewhere': ['DROP TABLE a, public.b', 1, 'OTHER_SCHEMA', 'public.b'],
  'a comment elsewhere': [`COMMENT ON COLUMN public.t.a IS 'x'`, 1, 'OTHER_SCHEMA', 'public.t.a'],
  'a trigger dropped elsewhere': ['DROP TRIGGER g ON public.t', 1, 'OTHER_SCHEMA', 'public.t.g'],
  'a sequence owned elsewhere': ['ALTER SEQUENCE s OWNED BY public.t.a', 1, 'OTHER_SCHEMA', 'public.t.a'],
  'a table of PostgreSQL': [
    `UPDATE pg_class SET relname = 'x'`,
    1,
    'OTHER_SCHEMA',
    'pg_class names schema pg_catalog',
  ],
  'a function made in pg_catalog': [
    'CREATE FUNCTION pg_catalog.f() RETURNS int LANGUAGE sql RETURN 1',
    1,
    'OTHER_SCHEMA',
    'pg_catalog.f',
  ],
  'a moved table': ['ALTER TABLE t SET SCHEMA other', 1, 'OUTSIDE_SCHEMA', 'ALTER TABLE'],
  'COMMIT in the middle': ['CREATE TABLE t (a int);\n/* now */ COMMIT;', 2, 'TRANSACTION_CONTROL', 'COMMIT'],
  'BEGIN at the start': ['-- first\nBEGIN;\nCREATE TABLE t (a int);', 2, 'TRANSACTION_CONTROL', 'BEGIN'],
  SAVEPOINT: ['SAVEPOINT s', 1, 'TRANSACTION_CONTROL', 'SAVEPOINT'],
  'PREPARE TRANSACTION': [`PREPARE TRANSACTION 'x'`, 1, 'TRANSACTION_CONTROL', 'PREPARE'],
  'SET search_path': ['SET search_path = public', 1, 'SESSION_SETTING', 'SET SEARCH_PATH'],
  'SET LOCAL search_path': ['SET LOCAL search_path = public', 1, 'SESSION_SETTING', 'SET LOCAL'],
  'RESET ALL': ['RESET ALL', 1, 'SESSION_SETTING', 'RESET ALL'],
  'SET ROLE': ['SET ROLE postgres', 1, 'SESSION_SETTING', 'SET ROLE'],
  'SET SESSION AUTHORIZATION': ['SET SESSION AUTHORIZATION x', 1, 'SESSION_SETTING', 'SET SESSION'],
  'DISCARD ALL': ['DISCARD ALL', 1, 'SESSION_SETTING', 'DISCARD changes the session'],
  'a timeout of its own': [`SET lock_timeout = '1h'`, 1, 'SESSION_SETTING', 'SET LOCK_TIMEOUT'],
  'a schema': ['CREATE SCHEMA other', 1, 'OUTSIDE_SCHEMA', 'CREATE SCHEMA'],
  'an extension': ['CREATE EXTENSION IF NOT EXISTS pgcrypto', 1, 'OUTSIDE_SCHEMA', 'CREATE EXTENSION'],
  'a cast': ['CREATE CAST (a AS text) WITHOUT FUNCTION', 1, 'OUTSIDE_SCHEMA', 'CREATE CAST'],
  'a language': ['CREATE LANGUAGE plperl', 1, 'OUTSIDE_SCHEMA', 'CREATE LANGUAGE'],
  'a publication': ['CREATE PUBLICATION p FOR TABLE t', 1, 'OUTSIDE_SCHEMA', 'CREATE PUBLICATION'],
  'an event trigger': [
    'CREATE EVENT TRIGGER e ON sql_drop EXECUTE FUNCTION f()',
    1,
    'OUTSIDE_SCHEMA',
    'CREATE EVENT',
  ],
  'a setting of the server': ['ALTER SYSTEM SET work_mem = 1', 1, 'OUTSIDE_SCHEMA', 'ALTER SYSTEM'],
  'a large object': ['SELECT lo_create(0)', 1, 'OUTSIDE_SCHEMA', 'SELECT'],
  NOTIFY: ['NOTIFY x', 1, 'OTHER_SESSIONS', 'NOTIFY'],
  'a call of pg_notify': [`SELECT pg_notify('x', 'y')`, 1, 'OTHER_SESSIONS', 'SELECT'],
  'a row that notifies': [`INSERT INTO t SELECT 1 FROM pg_notify('x', 'y')`, 1, 'OTHER_SESSIONS', 'INSERT'],
  'an end of sessions': [
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity',
    1,
    'OTHER_SESSIONS',
    'SELECT',
  ],
  'NOTIFY in a DO block': ['DO $$ BEGIN NOTIFY x; END $$', 1, 'OTHER_SESSIONS', 'DO'],
  'NOTIFY behind a condition in a DO block': [
    `\nDO $$ BEGIN IF true THEN\n  notify x, 'y'; END IF; END $$`,
    2,
    'OTHER_SESSIONS',
    'DO',
  ],
  'NOTIFY in a text that a DO block executes': [
    `DO $$ BEGIN EXECUTE 'NOTIFY x'; END $$`,
    1,
    'OTHER_SESSIONS',
    'DO',
  ],
  'pg_notify in a DO block': [`DO $$ BEGIN PERFORM pg_notify('x', ''); END $$`, 1, 'OTHER_SESSIONS', 'DO'],
  'a role': ['CREATE ROLE x', 1, 'OWNER_OR_ROLE', 'CREATE ROLE'],
  'a grant of a role': ['GRANT a TO b', 1, 'OWNER_OR_ROLE', 'GRANT'],
  'another owner': ['ALTER TABLE t OWNER TO x', 1, 'OWNER_OR_ROLE', 'ALTER TABLE'],
  'default privileges': [
    'ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO x',
    1,
    'OWNER_OR_ROLE',
    'ALTER DEFAULT',
  ],
  'a temporary table': ['CREATE TEMP TABLE t (a int)', 1, 'TEMPORARY', 'CREATE TEMP'],
  'SELECT INTO TEMP': ['SELECT 1 INTO TEMP t', 1, 'TEMPORARY', 'SELECT'],
  'an index built beside writes': [
    'CREATE INDEX CONCURRENTLY i ON t (a)',
    1,
    'NEEDS_OWN_FILE',
    'CREATE INDEX cannot run inside a transaction',
  ],
  VACUUM: ['VACUUM t', 1, 'NEEDS_OWN_FILE', 'VACUUM'],
  'ANALYZE of everything': ['ANALYZE', 1, 'OUTSIDE_SCHEMA', 'ANALYZE'],
  'two statements that run alone': [
    '-- transaction: none\nCREATE INDEX CONCURRENTLY i ON t (a);\nANALYZE t;',
    3,
    'LONE_FILE_NOT_ONE_STATEMENT',
    'this one has 2',
  ],
  'no statement that runs alone': [
    '-- transaction: none\n',
    1,
    'LONE_FILE_NOT_ONE_STATEMENT',
    'this one has none',
  ],
  'a statement that need not run alone': [
    '-- transaction: none\nCREATE TABLE t (a int)',
    2,
    'NOT_FOR_LONE_FILE',
    'CREATE TABLE does not have to run outside',
  ],
  'IF NOT EXISTS of an index that runs alone': [
    '-- transaction: none\nCREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)',
    2,
    'CONDITION_IN_LONE_FILE',
    'IF NOT EXISTS',
  ],
  'IF EXISTS in a file that runs alone': [
    '-- transaction: none\nDROP INDEX CONCURRENTLY IF EXISTS i',
    2,
    'CONDITION_IN_LONE_FILE',
    'IF EXISTS',
  ],
  'an index without a name': [
    '-- transaction: none\nCREATE INDEX CONCURRENTLY ON t (a)',
    2,
    'INDEX_WITHOUT_NAME',
    'has no name',
  ],
  'an index of another schema': [
    '-- transaction: none\nCREATE INDEX CONCURRENTLY i ON public.t (a)',
    2,
    'OTHER_SCHEMA',
    'public.t',
  ],
  'a mistake in the grammar': [
    'CREATE TABLE t (a int);\n-- é 🐘\nCREATE TABEL u (a int);',
    3,
    'SYNTAX',
    'syntax error at or near "TABEL"',
  ],
  'an open string': [`SELECT 'abc`, 1, 'SYNTAX', 'unterminated'],
  'a byte order mark in the middle': ['SELECT 1;\n\uFEFFSELECT 2;', 2, 'SYNTAX', 'byte order mark'],
  'expressions nested too deeply': [`SELECT ${'('.repeat(20_000)}1${')'.repeat(20_000)}`, 1, 'SYNTAX', ''],
};

describe('a wrong file is refused with file and line, and the way out:', () => {
  test.each(Object.entries(wrong))('%s', async (_kind, [sql, line, code, says]) => {
    const [first, ...further] = await check({ '0001_wrong.sql': sql });
    expect(first).toMatchObject({ file: 'crm/0001_wrong.sql', line, code });
    expect(first?.problem).toMatch(says);
    expect(first?.problem).toMatch(/\.$/);
    expect(first?.remedy).toMatch(/^[A-Z].*\.$/s);
    expect(further.every(({ file }) => file === 'crm/0001_wrong.sql')).toBe(true);
  });

  test.each<[string, Buffer, number, string]>([
    ['UTF-16', Buffer.from('\uFEFFSELECT 1;', 'utf16le'), 1, 'UTF-16'],
    ['Latin-1', Buffer.from(`SELECT 1;\n-- caf\xe9`, 'latin1'), 2, 'Latin-1'],
    ['AppleDouble under another name', Buffer.from([0, 5, 0x16, 7, 0, 2, 0, 0]), 1, 'NUL'],
  ])('the encoding %s', async (_kind, content, line, says) => {
    const [problem] = await check({ '0001_wrong.sql': content, '0002_right.sql': 'SELECT 1' });
    expect(problem).toMatchObject({ file: 'crm/0001_wrong.sql', line, code: 'NOT_UTF8' });
    expect(problem?.problem).toContain(says);
  });

  test.each<[string, Record<string, string>, string, string]>([
    [
      'a query without its migration',
      { '0007_x.check.sql': 'SELECT 1' },
      'crm/0007_x.check.sql',
      'CHECK_WITHOUT_MIGRATION',
    ],
    ['a name in capitals', { '0001_X.SQL': 'SELECT 1' }, 'crm/0001_X.SQL', 'NAME_NOT_LOWER_CASE'],
    [
      'a long name',
      { [`0001_${'x'.repeat(200)}.sql`]: 'SELECT 1' },
      `crm/0001_${'x'.repeat(200)}.sql`,
      'NAME_TOO_LONG',
    ],
  ])('%s', async (_kind, files, file, code) => {
    expect(await check(files)).toMatchObject([{ file, line: null, code }]);
  });

  test.each([
    ['a query that deletes', 'WITH gone AS (DELETE FROM t RETURNING a) SELECT a FROM gone'],
    ['a query that makes a table', 'SELECT 1 INTO made'],
    ['a query that locks', 'SELECT 1 FROM t FOR UPDATE'],
    ['a query that counts a sequence on', `SELECT nextval('s')`],
    ['two queries', 'SELECT 1; SELECT 2'],
    ['no query', '-- nothing'],
    ['a statement that is no query', 'DELETE FROM t'],
  ])('%s as a check', async (_kind, query) => {
    const files = { '0007_x.sql': 'SELECT 1', '0007_x.check.sql': query, '0007_x.verify.sql': query };
    expect(await check(files)).toMatchObject([
      { file: 'crm/0007_x.check.sql', code: 'CHECK_NOT_A_QUERY' },
      { file: 'crm/0007_x.verify.sql', code: 'CHECK_NOT_A_QUERY' },
    ]);
  });
});

/** Files that do no harm, with how many of them run. */
const right: Record<string, [files: Record<string, string | Buffer>, count: number]> = {
  'a byte order mark': [{ '0001_a.sql': '\uFEFFCREATE TABLE t (a int);' }, 1],
  'line ends of Windows': [{ '0001_a.sql': 'CREATE TABLE t (\r\na int);\r\n' }, 1],
  'a lone file with line ends of Windows': [
    { '0001_a.sql': '-- transaction: none\r\nCREATE INDEX CONCURRENTLY i ON t (a);\r\n' },
    1,
  ],
  'AppleDouble files': [{ '0001_a.sql': 'SELECT 1', '._0001_a.sql': Buffer.from([0, 5, 0x16, 7, 0]) }, 1],
  'leftovers of editors': [
    {
      '0001_a.sql': 'SELECT 1',
      '0001_a.sql~': 'COMMIT',
      '.#0001_a.sql': 'COMMIT',
      '#0001_a.sql#': 'COMMIT',
      '.0001_a.sql.swp': 'x',
    },
    1,
  ],
  'other files': [
    { '0001_a.sql': 'SELECT 1', '.DS_Store': Buffer.from([0, 1]), 'README.md': 'x', 'Thumbs.db': 'x' },
    1,
  ],
  'comments alone, and nothing': [{ '0001_a.sql': '-- later', '0002_b.sql': '', '0003_c.sql': ';;' }, 3],
  'names and types of pg_catalog': [
    {
      '0001_a.sql': `CREATE TABLE t (a pg_catalog.int4 DEFAULT pg_catalog.length('x'), b text COLLATE pg_catalog."C");
      SELECT 1 OPERATOR(pg_catalog.+) 1 FROM pg_catalog.pg_class; SELECT 'pg_catalog.int4'::regtype;`,
    },
    1,
  ],
  'columns that look like schemas': [
    {
      '0001_a.sql': `CREATE TABLE t (a int); COMMENT ON COLUMN t.a IS 'x'; UPDATE t AS u SET a = u.a; DROP TRIGGER IF EXISTS g ON t;
      CREATE FUNCTION f(x t.a%TYPE) RETURNS t.a%TYPE LANGUAGE sql RETURN x; ALTER SEQUENCE s OWNED BY t.a;`,
    },
    1,
  ],
  'a function with its own search_path': [
    {
      '0001_a.sql': `CREATE FUNCTION f() RETURNS int LANGUAGE sql SET search_path = pg_catalog, pg_temp AS 'SELECT 1';
      CREATE FUNCTION g() RETURNS int LANGUAGE sql SET search_path FROM CURRENT AS 'SELECT 1';`,
    },
    1,
  ],
  'strings and bodies that only mention other things': [
    {
      '0001_a.sql': `COMMENT ON TABLE t IS 'COMMIT; SET search_path = public; \\restrict'; DO $$ BEGIN PERFORM 1; END $$;`,
    },
    1,
  ],
  'notifications of services': [
    {
      '0001_a.sql': `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_notify(TG_ARGV[0], NULL); RETURN NEW; END';
      CREATE RULE told AS ON DELETE TO t DO ALSO NOTIFY t; CREATE TABLE notify (notify boolean);
      DO $$ BEGIN /* NOTIFY x */ ALTER TABLE t ADD notify boolean; UPDATE t SET notify = true; -- NOTIFY x
      END $$;`,
    },
    1,
  ],
  'a migration with its queries': [
    {
      '0007_x.sql': 'SELECT 1',
      '0007_x.check.sql': 'WITH a AS (SELECT 1) SELECT * FROM a;',
      '0007_x.verify.sql': 'VALUES (1)',
    },
    1,
  ],
  'every statement that runs alone': [
    Object.fromEntries(
      [
        'CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)',
        'DROP INDEX CONCURRENTLY i',
        'REINDEX INDEX CONCURRENTLY i',
        'REINDEX (CONCURRENTLY) TABLE t',
        `ALTER TYPE e ADD VALUE 'x' BEFORE 'y'`,
        'ALTER TABLE t DETACH PARTITION p CONCURRENTLY',
        'VACUUM (ANALYZE) t',
        'ANALYZE t',
      ].map((sql, at) => [`000${at}.sql`, `-- transaction: none\n-- why\n${sql};`]),
    ),
    8,
  ],
};

describe('a file is taken, and checked without a complaint, with', () => {
  test.each(Object.entries(right))('%s', async (_kind, [files, count]) => {
    const modulesDir = await aModuleFolder(files);
    expect(await checkModuleFiles(modulesDir, 'crm')).toEqual([]);
    expect((await readModuleMigrations(modulesDir, 'crm')).slice(1)).toHaveLength(count);
  });

  test.each(['_every', 'finance', 'operations', 'inventory', 'dbtools'])(
    'what the shipped module %s has',
    async (folder) => {
      expect(
        await checkModuleFiles(new URL('../../../../modules', import.meta.url).pathname, folder),
      ).toEqual([]);
    },
  );
});

test('the files of _every are checked with those of each module', async () => {
  const modulesDir = await aModuleFolder({});
  expect(await checkModuleFiles(modulesDir, 'no such folder')).toEqual([]);
});

describe('a new file with a number before one that ran', () => {
  const files = ['_every/0001.sql', 'crm/0001.sql', 'crm/0002.sql', 'crm/0003.sql'].map((name) => ({
    ...{ name, sql: '', checksum: name },
  }));
  const ran = (...names: string[]) => names.map((name) => ({ name, checksum: name }));

  test('is refused, because a version means that all files before it ran', () => {
    expect(() => findMissing('s', files, ran('_every/0001.sql', 'crm/0001.sql', 'crm/0003.sql'))).toThrow(
      'Migration crm/0002.sql stands before crm/0003.sql, which ran in schema s already: give it a number after the last file of the folder',
    );
  });

  test('is taken in folder _every, whose files are numbered by themselves', () => {
    const missing = findMissing('s', files, ran('crm/0001.sql', 'crm/0002.sql'));
    expect(missing.map(({ name }) => name)).toEqual(['_every/0001.sql', 'crm/0003.sql']);
  });
});

test('a text of thousands of parts that are joined by || is checked as any other', async () => {
  const parts = Array.from({ length: 2_000 }, (_, at) => `'part ${at}'`);
  const join = (last: string) =>
    `CREATE TABLE t (a text);\nINSERT INTO t VALUES (${[...parts, last].join(' || ')});`;
  expect(await check({ '0001_long.sql': join(`'end'`) })).toEqual([]);
  expect(await check({ '0001_long.sql': join('public.name()') })).toMatchObject([
    { file: 'crm/0001_long.sql', line: 2, code: 'OTHER_SCHEMA' },
  ]);
});

test('each of 20,000 statements has its line and its place, whatever characters come before', async () => {
  const rows = Array.from({ length: 20_000 }, (_, at) => `/* é */ INSERT INTO t VALUES ('Zoë 👩‍🚒\n${at}');`);
  const sql = `CREATE TABLE t (a text);\n${rows.join('\n')}\n`;
  const { statements } = await parseFile(sql);
  const text = `INSERT INTO t VALUES ('Zoë 👩‍🚒\n19999')`;
  expect(statements.at(-1)).toMatchObject({ line: 40_000, start: sql.lastIndexOf('INSERT'), text });
  expect(statements[1]).toMatchObject({ line: 2, start: sql.indexOf('INSERT') });
});
