/** Records how each transaction ended for its caller, and compares that with the rows in the tables. */
import type pg from 'pg';

export interface Entry {
  slug: string;
  number: number;
  /** Number of rows it wrote, which must be in the table if it is committed. */
  written: number;
  /** undefined: the connection was lost, so it may or may not be committed. */
  isCommitted: boolean | undefined;
}

/** The text of a written row. It starts with the tenant's slug, so a row in a wrong table is recognised. */
export function actionOf({ slug, number }: Entry, row: number | 'undone'): string {
  return `${slug} ${number} ${row}`;
}

export interface Discrepancies {
  /** Rows in the tables of another tenant. */
  foreign: string[];
  /** Rows that are missing although committed, present although rolled back, or partly present. */
  torn: string[];
}

export class Ledger {
  readonly #entries = new Map<string, Entry[]>();

  enter(entry: Entry): void {
    const entries = this.#entries.get(entry.slug) ?? [];
    this.#entries.set(entry.slug, entries);
    entries.push(entry);
  }

  /**
   * Deletes and returns the tenants' rows directly, without the client under test, and compares them with the
   * entries.
   */
  async compare(database: pg.Pool, tenants: readonly { slug: string }[]): Promise<Discrepancies> {
    const found: Discrepancies = { foreign: [], torn: [] };
    for (const { slug } of tenants) {
      const { rows } = await database.query<{ action: string }>(
        `DELETE FROM "finance_${slug}".activity_log RETURNING action`,
      );
      const left = new Set<string>();
      for (const { action } of rows)
        if (!action.startsWith(`${slug} `)) found.foreign.push(`${action} at ${slug}`);
        else if (left.has(action)) found.torn.push(`${action} is present twice`);
        else left.add(action);
      for (const entry of this.#entries.get(slug) ?? []) {
        const actions = Array.from({ length: entry.written }, (_, row) => actionOf(entry, row));
        const standing = actions.filter((action) => left.delete(action)).length;
        const allowed = { true: [entry.written], false: [0], undefined: [0, entry.written] };
        if (allowed[`${entry.isCommitted}`].includes(standing)) continue;
        const said = entry.isCommitted ? 'committed' : 'rolled back';
        found.torn.push(`${slug} ${entry.number}: ${standing} of ${entry.written} rows, reported as ${said}`);
      }
      for (const action of left) found.torn.push(`${action}: the transaction is not recorded`);
    }
    return found;
  }
}
