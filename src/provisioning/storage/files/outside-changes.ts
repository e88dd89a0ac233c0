import { randomBytes } from 'node:crypto';
import type { ClientBase } from 'pg';
import { sendAll } from '../../../database/statements/batch.js';
import { RegistryError } from '../../../errors.js';
import { unreadableCatalogs, watchedCatalogs, watchedRowsSql } from './outside-catalogs.js';

/**
 * Finds what a transaction has made or changed outside a tenant's schema, by the catalogs and not by the text of a file: a DO block, a
 * function or a trigger can do anything. Reads only catalogs, with search_path at pg_catalog.
 */
interface Before {
  schemaOid: string;
  /** Cursors with the rows of the catalogs as they were. Only one that is read costs a scan. */
  cursors: ReadonlyMap<string, readonly string[]>;
  state: State;
}

interface State {
  /** How many rows of each catalog this session has written; null when the server does not count. */
  writes: Record<string, string> | null;
  /** Relations outside the schema on which the transaction holds a lock for writing, with the locks. */
  locked: { oid: string; name: string; modes: string[] }[];
}

/** How many objects a message names. */
const namedObjects = 5;

/** Runs the work, and throws CONFLICT when it has made or changed something outside the schema. Needs the caller's transaction. */
export async function withinSchema(
  client: ClientBase,
  { schema, file }: { schema: string; file: string },
  work: () => Promise<void>,
): Promise<void> {
  const before = await readBefore(client, schema);
  await work();
  const outside = await findOutside(client, before);
  if (outside.length === 0) return;
  // Tables first: the other names are often of their parts.
  const named = outside
    .toSorted((a, b) => Number(b.startsWith('table ')) - Number(a.startsWith('table ')))
    .slice(0, namedObjects)
    .join(', ');
  const more = outside.length > namedObjects ? `, and ${outside.length - namedObjects} more` : '';
  throw new RegistryError(
    'CONFLICT',
    `Migration ${file} was undone, because it made or changed what is not inside schema ${schema}: ${named}${more}. ` +
      'Remove that from the file; an administrator can do it once for the database',
    { isLasting: true },
  );
}

async function readBefore(client: ClientBase, schema: string): Promise<Before> {
  const { rows } = await client.query<{ oid: string }>(
    // The transaction gets its id here, so that every row that the file writes has this or a later one.
    `SELECT oid::text, pg_current_xact_id() FROM pg_namespace WHERE nspname = $1`,
    [schema],
  );
  const schemaOid = rows[0]?.oid;
  if (schemaOid === undefined) throw new Error(`schema ${schema} does not exist`);
  // Not guessable, so that no file closes or moves it by mistake.
  const stem = `registry_${randomBytes(8).toString('hex')}`;
  const cursors = new Map(cursorGroups.map((catalogs, at) => [`${stem}_${at}`, catalogs]));
  const declared = [...cursors].map(([cursor, catalogs]) => {
    // Rows that the transaction has written until here, and rows that it will have deleted when the cursor is read.
    const rows = watchedRowsSql(catalogs, schemaOid, '(age(entry.xmin) <= 0 OR age(entry.xmax) <= 0)');
    return {
      text: `DECLARE ${cursor} NO SCROLL CURSOR FOR SELECT *, age(ended) <= 0 AS "isEnded" FROM (${rows}) AS row`,
    };
  });
  await sendAll(client, ...declared);
  return { schemaOid, cursors, state: await readState(client, schemaOid) };
}

/** Catalogs that grow with the number of tenants are read one by one. Columns and labels go only with their table or type. */
const largeCatalogs = ['pg_class', 'pg_type', 'pg_proc', 'pg_constraint', 'pg_description'];
const withoutCursor = new Set([...largeCatalogs, 'pg_attribute', 'pg_enum']);
const cursorGroups: readonly (readonly string[])[] = [
  ...largeCatalogs.map((name) => [name]),
  Object.keys(watchedCatalogs).filter((name) => !withoutCursor.has(name)),
];

async function findOutside(
  client: ClientBase,
  { schemaOid, cursors, state: before }: Before,
): Promise<string[]> {
  const after = await readState(client, schemaOid);
  const written = Object.keys(watchedCatalogs).filter((name) => isWritten(name, before, after));
  const unnamed = Object.entries(unreadableCatalogs)
    .filter(([name]) => after.writes !== null && isWritten(name, before, after))
    .map(([, title]) => title);
  const rows = written.length > 0 ? await findRows(client, { written, schemaOid, cursors }) : [];
  await sendAll(client, ...[...cursors.keys()].map((cursor) => ({ text: `CLOSE ${cursor}` })));
  const locks = new Map(before.locked.map(({ oid, modes }) => [oid, modes]));
  const locked = after.locked
    .filter(({ oid, modes }) => modes.some((mode) => !locks.get(oid)?.includes(mode)))
    .map(({ name }) => name);
  return [...new Set([...rows, ...unnamed, ...locked])];
}

function isWritten(catalog: string, before: State, after: State): boolean {
  return before.writes === null || after.writes === null || before.writes[catalog] !== after.writes[catalog];
}

interface CatalogRow {
  catalog: string;
  key: string;
  /** Place of this version of the row in its catalog. */
  place: string;
  title: string;
  ended: string;
  isEnded: boolean;
}

/** Rows that the transaction has written or deleted since the cursors were declared. */
async function findRows(
  client: ClientBase,
  { written, schemaOid, cursors }: Omit<Before, 'state'> & { written: readonly string[] },
): Promise<string[]> {
  const own = watchedRowsSql(written, schemaOid, 'age(entry.xmin) <= 0');
  const read = [...cursors].filter(([, catalogs]) => catalogs.some((name) => written.includes(name)));
  const fetched = await sendAll(client, ...read.map(([cursor]) => ({ text: `FETCH ALL FROM ${cursor}` })));
  const before: CatalogRow[] = fetched.flatMap(({ rows }) => rows);
  const { rows: made } = await client.query<{ title: string }>(
    `SELECT title FROM (${own}) AS found WHERE ${isOpenSql('made')}
       AND NOT EXISTS (SELECT FROM json_to_recordset($1::json) AS earlier (catalog text, place text)
                       WHERE (earlier.catalog, earlier.place) = (found.catalog, found.place)) LIMIT 100`,
    [JSON.stringify(before.map(({ catalog, place }) => ({ catalog, place })))],
  );
  const titles = made.map(({ title }) => title);
  // A cursor also has rows of catalogs that this session has not written; another session may be deleting them.
  const candidates = before.filter(({ isEnded, catalog }) => isEnded && written.includes(catalog));
  if (candidates.length === 0) return titles;
  // A row that another transaction is deleting can still be seen; one that it has deleted has the id of a transaction that is committed.
  const present = watchedRowsSql(written, schemaOid, 'true');
  const { rows: gone } = await client.query<{ title: string }>(
    `SELECT title FROM json_to_recordset($1::json) AS candidate (catalog text, key text, title text, ended text)
     WHERE NOT EXISTS (SELECT FROM (${present}) AS found WHERE (found.catalog, found.key) = (candidate.catalog, candidate.key))
       AND ${isOpenSql('candidate.ended::xid')}`,
    [JSON.stringify(candidates)],
  );
  return [...titles, ...gone.map(({ title }) => `${title} (dropped)`)];
}

/**
 * SQL: whether the transaction id is of a transaction that is under way. A row that this transaction sees with such an id as its xmin is
 * its own, or of one of its subtransactions. An xid has 32 bits; age computes its distance from this transaction's.
 */
function isOpenSql(xid: string): string {
  return `pg_xact_status((pg_current_xact_id()::text::bigint - age(${xid}))::text::xid8) = 'in progress'`;
}

async function readState(client: ClientBase, schemaOid: string): Promise<State> {
  const { rows } = await client.query<State>(
    `SELECT CASE WHEN current_setting('track_counts') = 'on' THEN
        -- Of columns only grants are looked for, which change rows.
        (SELECT json_object_agg(name, (pg_stat_get_xact_tuples_updated(oid) + CASE name WHEN 'pg_attribute' THEN 0
           ELSE pg_stat_get_xact_tuples_inserted(oid) + pg_stat_get_xact_tuples_deleted(oid) END)::text)
         FROM (SELECT relname AS name, oid FROM pg_class
               WHERE relname = ANY ($2::name[]) AND relnamespace = 'pg_catalog'::regnamespace) AS catalog) END AS writes,
       coalesce((SELECT json_agg(held) FROM (
         SELECT class.oid::text, min(CASE class.relkind WHEN 'S' THEN 'sequence ' ELSE 'table ' END
                  || class.relnamespace::regnamespace || '.' || class.relname) AS name, json_agg(DISTINCT mode) AS modes
         FROM pg_locks AS lock JOIN pg_class AS class ON class.oid = lock.relation
         WHERE lock.pid = pg_backend_pid() AND lock.locktype = 'relation' AND lock.granted
           AND lock.mode NOT IN ('AccessShareLock', 'RowShareLock') AND class.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
           AND class.relnamespace <> $1::oid AND class.relnamespace <> 'pg_catalog'::regnamespace
           AND class.relnamespace <> 'pg_toast'::regnamespace
           AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
         GROUP BY class.oid) AS held), '[]') AS locked`,
    [schemaOid, [...Object.keys(watchedCatalogs), ...Object.keys(unreadableCatalogs)]],
  );
  const [state] = rows;
  if (!state) throw new Error('the query of locks returned no row');
  return state;
}
