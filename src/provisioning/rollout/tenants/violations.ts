import type { ClientBase } from 'pg';
import { identifier } from '../../../database/identifier.js';
import { pinnedPath } from '../../../database/service-databases.js';
import { sendAll } from '../../../database/statements/batch.js';
import { parseFile } from '../../storage/files/parsed-file.js';

/** A row that a check or a verification has returned, as JSON. */
export type Violation = Record<string, string | number | boolean | null>;

/** How many rows are kept, of each how many columns, and of each value how many characters. */
export const keptRows = 10;
const keptColumns = 50;
const keptCharacters = 200;

/** The most characters that the JSON of a kept value has: an escaped character takes six. */
const readCharacters = 6 * keptCharacters + 100;

export interface QueryPlace {
  schemaName: string;
  /** Role that owns the schema; undefined: the session's own. */
  role: string | undefined;
  statementTimeoutMs: number;
}

/**
 * Runs a query of a module's files in a tenant's schema and returns its first rows. It can change nothing and reads no other tenant: the
 * transaction is read-only from here on, search_path is the schema alone, and it acts as the module's role. A cursor accepts only a
 * query, and reads no more rows than are fetched; the server cuts their values, which may be of any size. Needs the caller's transaction,
 * in which nothing may be written afterwards.
 */
export async function findViolations(
  client: ClientBase,
  query: string,
  { schemaName, role, statementTimeoutMs }: QueryPlace,
): Promise<Violation[]> {
  const text = await readQuery(query);
  await client.query(
    [
      'SET TRANSACTION READ ONLY',
      `SET LOCAL statement_timeout = ${statementTimeoutMs}`,
      ...(role === undefined ? [] : [`SET LOCAL ROLE ${identifier(role)}`]),
      `SET LOCAL search_path = ${identifier(schemaName)}`,
    ].join('; '),
  );
  // A cursor of which nothing is fetched tells the columns.
  await sendAll(client, { text: `DECLARE described NO SCROLL CURSOR FOR ${text}` });
  const { fields } = await client.query('FETCH 0 FROM described');
  const [, fetched] = await sendAll(
    client,
    { text: `DECLARE violations NO SCROLL CURSOR FOR ${cuttingSql(text, fields.length)}` },
    { text: `FETCH ${keptRows} FROM violations` },
  );
  await client.query(`RESET ROLE; SET LOCAL search_path = ${pinnedPath}`);
  const rows: Record<string, string | null>[] = fetched?.rows ?? [];
  return rows.map((row) =>
    Object.fromEntries(
      fields.slice(0, keptColumns).map(({ name }, at) => [name, readValue(row[`c${at}`] ?? 'null')]),
    ),
  );
}

/** The query of a file, without comments and semicolon behind it. As one statement it can stand in parentheses. */
async function readQuery(text: string): Promise<string> {
  const { statements, fault } = await parseFile(text);
  const [query, further] = statements;
  if (fault || !query || further || query.kind !== 'SelectStmt')
    throw new Error(fault ? `syntax error: ${fault.message}` : 'the file is not one query');
  return query.text;
}

/** The query with the first columns alone, each cut, under names of its own: those of the query may occur twice. */
function cuttingSql(query: string, columns: number): string {
  const names = Array.from({ length: columns }, (_, at) => `c${at}`);
  const cut = names
    .slice(0, keptColumns)
    .map((name) => `pg_catalog."left"(pg_catalog.to_json(${name})::text, ${readCharacters}) AS ${name}`);
  const list = columns > 0 ? ` (${names.join(', ')})` : '';
  return `SELECT ${cut.join(', ')} FROM (${query}\n) AS violation${list}`;
}

/** Reads a JSON value whose end may be missing. Numbers with more digits than a number of JavaScript keeps are texts. */
function readValue(json: string): string | number | boolean | null {
  if (json === 'null') return null;
  if (json === 'true' || json === 'false') return json === 'true';
  if (json.length <= 15 && Number.isFinite(Number(json))) return Number(json);
  const text = /^"(?:[^"\\]|\\u[0-9a-f]{4}|\\[^u])*/i.exec(json)?.[0];
  return shorten(text === undefined ? json : JSON.parse(`${text}"`));
}

/** Rows are stored as JSON, where PostgreSQL accepts neither a NUL nor half of a pair of UTF-16 units. */
function shorten(text: string): string {
  const kept = text.length > keptCharacters ? `${text.slice(0, keptCharacters)}…` : text;
  return kept.replaceAll('\0', '').replaceAll(/\p{Cs}/gu, '\ufffd');
}
