/** What each transaction was said to have come to, and what of it stands in the tables. */
import type pg from 'pg';

export interface Entry {
  slug: string;
  number: number;
  /** Rows that it wrote, which stand there if it is committed. */
  written: number;
  /** undefined: its connection was lost, so it may have been committed. */
  isCommitted: boolean | undefined;
}

/** Begins with whose it is: the truth of every row. */
export function actionOf({ slug, number }: Entry, row: number | 'undone'): string {
  return `${slug} ${number} ${row}`;
}

export interface Discrepancies {
  /** Rows in the tables of another tenant. */
  strangers: string[];
  /** Rows that are missing, that were rolled back and stand there all the same, or transactions of which a part stands there. */
  torn: string[];
}

export class Ledger {
  readonly #entries = new Map<string, Entry[]>();

  enter(entry: Entry): void {
    const entries = this.#entries.get(entry.slug) ?? [];
    this.#entries.set(entry.slug, entries);
    entries.push(entry);
  }

  /** Takes the rows of these tenants out of their tables, past everything that is tested, and compares. */
  async compare(database: pg.Pool, tenants: readonly { slug: string }[]): Promise<Discrepancies> {
    const found: Discrepancies = { strangers: [], torn: [] };
    for (const { slug } of tenants) {
      const { rows } = await database.query<{ action: string }>(
        `DELETE FROM "finance_${slug}".activity_log RETURNING action`,
      );
      const left = new Set<string>();
      for (const { action } of rows)
        if (!action.startsWith(`${slug} `)) found.strangers.push(`${action} at ${slug}`);
        else if (left.has(action)) found.torn.push(`${action} stands twice`);
        else left.add(action);
      for (const entry of this.#entries.get(slug) ?? []) {
        const actions = Array.from({ length: entry.written }, (_, row) => actionOf(entry, row));
        const standing = actions.filter((action) => left.delete(action)).length;
        const allowed = { true: [entry.written], false: [0], undefined: [0, entry.written] };
        if (allowed[`${entry.isCommitted}`].includes(standing)) continue;
        const said = entry.isCommitted ? 'committed' : 'rolled back';
        found.torn.push(
          `${slug} ${entry.number}: ${standing} of ${entry.written} rows, and said to be ${said}`,
        );
      }
      for (const action of left) found.torn.push(`${action}: nobody was told of it`);
    }
    return found;
  }
}
