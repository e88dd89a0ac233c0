import pg from 'pg';
import type { Row, TableCase } from './cases.js';

/** A service's session in a transaction that is rolled back after the test. */
export interface TenantSession {
  client: pg.Client;
  query(sql: string, values?: unknown[]): Promise<Row[]>;
  /** Inserts a valid row with these values instead; answers the row as JSON. */
  insert(table: string, values?: Row): Promise<Row>;
  /** Result of an attempt whose failure undoes nothing else: "done", or the SQLSTATE and what was violated. */
  outcome(sql: string, values?: unknown[]): Promise<string>;
  outcomeOfInsert(table: string, values?: Row): Promise<string>;
  /** The same, and the row is gone again. */
  tryInsert(table: string, values?: Row): Promise<string>;
}

export function openTenantSession(client: pg.Client, tables: Record<string, TableCase>): TenantSession {
  const query = async (sql: string, values: unknown[] = []) => (await client.query<Row>(sql, values)).rows;
  const insert = async (table: string, values: Row = {}) => {
    if (tables[table]?.isSingle) await query(`DELETE FROM ${table}`);
    const row = { ...tables[table]?.row(), ...values };
    const columns = Object.keys(row).map((column) => pg.escapeIdentifier(column));
    const places = columns.map((_, index) => `$${index + 1}`);
    const given = columns.length === 0 ? 'DEFAULT VALUES' : `(${columns}) VALUES (${places})`;
    const sql = `INSERT INTO ${table} ${given} RETURNING to_jsonb(${table}) AS inserted`;
    const [answer] = await query(sql, Object.values(row));
    return answer?.inserted as Row;
  };
  const attempt = async (work: () => Promise<unknown>, isKept = true) => {
    await query('SAVEPOINT attempt');
    const outcome = await work().then(() => 'done', outcomeOf);
    if (outcome !== 'done' || !isKept) await query('ROLLBACK TO attempt');
    return outcome;
  };
  return {
    client,
    query,
    insert,
    outcome: (sql, values) => attempt(() => query(sql, values)),
    outcomeOfInsert: (table, values) => attempt(() => insert(table, values)),
    tryInsert: (table, values) => attempt(() => insert(table, values), false),
  };
}

/** SQLSTATE with the constraint, else the column, else the message and the hint. */
export function outcomeOf(error: unknown): string {
  if (!(error instanceof pg.DatabaseError)) throw error;
  const hint = error.hint === undefined ? '' : ` | ${error.hint}`;
  return `${error.code} ${error.constraint ?? error.column ?? `${error.message}${hint}`}`;
}
