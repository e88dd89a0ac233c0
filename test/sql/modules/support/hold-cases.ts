import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CheckCase, ModuleCases, ReferenceCase, Row, UniqueCase } from './cases.js';
import { listColumns, listComments, listObjects } from './catalog.js';
import { holdTables } from './hold-tables.js';
import { openTenantSchema, type TenantSchema } from './tenant-schema.js';
import { openTenantSession, type TenantSession } from './tenant-session.js';

const ofEveryModule = ['settings', 'activity_log'];

/** Makes the tests of a module's cases, and one that fails when the schema has an object without a case. */
export function holdCases(cases: ModuleCases): void {
  const schema = openForFile(cases);
  const excluded = cases.module === '_every' ? [] : ofEveryModule;

  describe('every object has a case', () => {
    test('checks, references, unique keys, triggers, functions and views', async () => {
      expect(await listObjects(schema.client, schema.name, excluded)).toEqual(listHeld(cases));
    });

    test('tables and their columns, those with a size', async () => {
      const columns = await listColumns(schema.client, schema.name, excluded);
      const inCatalog = Object.entries(columns).map(([table, found]) => ({
        table,
        columns: found.map(({ name }) => name).sort(),
        sized: found
          .filter(isSized)
          .map(({ name }) => name)
          .sort(),
      }));
      const inCases = Object.entries(cases.tables).map(
        ([table, { row, defaults, computed = [], sizes }]) => ({
          table,
          columns: [...Object.keys({ ...row(), ...defaults }), ...computed].sort(),
          sized: [
            ...Object.keys(sizes),
            ...computed.filter((name) =>
              columns[table]?.some((column) => column.name === name && isSized(column)),
            ),
          ].sort(),
        }),
      );
      expect(byTable(inCatalog)).toEqual(byTable(inCases));
    });

    test('each has a comment, in plain words', async () => {
      const comments = await listComments(schema.client, schema.name);
      expect(comments.filter(({ comment }) => !isPlain(comment))).toEqual([]);
    });
  });

  holdTables(cases, schema);
  for (const check of cases.checks)
    test(`${check.of}: ${check.that}`, () => holdCheck(schema.session, check));
  for (const reference of cases.references)
    test(`${reference.of}.${reference.column} refers to a row of ${reference.to}, whose deletion ${reference.deletion}`, () =>
      holdReference(schema.session, reference));
  for (const unique of cases.uniques)
    test(`${unique.unique} refuses a second row with equal ${Object.keys(unique.same).join(', ')}`, () =>
      holdUnique(schema.session, unique));
  for (const { that, by } of cases.promises) test(that, () => by(schema.session));
}

export interface SchemaOfFile {
  name: string;
  client: pg.Client;
  session: TenantSession;
}

/** A seeded schema for the whole file; each test is a transaction that is rolled back. */
function openForFile(cases: ModuleCases): SchemaOfFile {
  let schema: TenantSchema | undefined;
  const opened = {} as SchemaOfFile;
  beforeAll(async () => {
    schema = await openTenantSchema(cases.module);
    const client = await schema.connect();
    const session = openTenantSession(client, cases.tables);
    for (const [table, row] of cases.seed) await session.insert(table, row);
    Object.assign(opened, { name: schema.name, client, session });
  });
  // Deferred constraints would be checked at the commit that never comes.
  beforeEach(() => opened.client.query('BEGIN; SET CONSTRAINTS ALL IMMEDIATE'));
  afterEach(() => opened.client.query('ROLLBACK'));
  afterAll(() => schema?.close());
  return opened;
}

function listHeld({ checks, references, uniques, promises }: ModuleCases): string[] {
  const held = new Set([
    ...checks.map(({ check }) => `check ${check}`),
    ...references.map(({ reference }) => `reference ${reference}`),
    ...uniques.map(({ unique }) => `unique ${unique}`),
    ...promises.flatMap(({ holds }) => holds),
  ]);
  return [...held].sort();
}

/** As the comments of the registry: a sentence of its own, with a subject. */
function isPlain(comment: string | null): boolean {
  const opening = /^(what|who|whom|whose|whoever|which|where|when|since when|from when|how|of)\b/i;
  return comment !== null && /^\S.{5,}\.$/s.test(comment) && !opening.test(comment);
}

function isSized({ type }: { type: string }): boolean {
  return /^(character varying|numeric)\(/.test(type);
}

function byTable<T extends { table: string }>(rows: T[]): T[] {
  return rows.sort((one, other) => one.table.localeCompare(other.table));
}

async function holdCheck(session: TenantSession, { check, of, accepts, refuses }: CheckCase): Promise<void> {
  const outcomes = async (rows: Row[]) => {
    const found = [];
    // Rows of one check must not meet in a unique key, so none is kept.
    for (const row of rows) found.push([row, await session.tryInsert(of, row)]);
    return found;
  };
  expect(await outcomes(accepts)).toEqual(accepts.map((row) => [row, 'done']));
  expect(await outcomes(refuses)).toEqual(refuses.map((row) => [row, `23514 ${check}`]));
}

async function holdReference(session: TenantSession, given: ReferenceCase): Promise<void> {
  const { reference, of, column, to, deletion, refuses = [] } = given;
  const refused = `23503 ${reference}`;
  for (const stranger of [{ [column]: '00000000-0000-4000-8000-00000000dead' }, ...refuses])
    expect([stranger, await session.outcomeOfInsert(of, { ...given.with, ...stranger })]).toEqual([
      stranger,
      refused,
    ]);

  const parent = await session.insert(to);
  await session.insert(of, { ...given.with, [column]: parent.id });
  const deleted = await session.outcome(`DELETE FROM ${to} WHERE id = $1`, [parent.id]);
  const left = await session.query(`SELECT FROM ${of} WHERE ${column} = $1`, [parent.id]);
  expect([deleted, left.length]).toEqual(deletion === 'is refused' ? [refused, 1] : ['done', 0]);
}

async function holdUnique(session: TenantSession, { unique, of, same, differs }: UniqueCase): Promise<void> {
  await session.insert(of, same);
  expect(await session.outcomeOfInsert(of, same)).toBe(`23505 ${unique}`);
  for (const other of differs)
    expect([other, await session.outcomeOfInsert(of, { ...same, ...other })]).toEqual([other, 'done']);
}
