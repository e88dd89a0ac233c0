import DataLoader from 'dataloader';
import type { RegistryDatabase } from '../../database/registry-database.js';

/** A part of the numbers: a statement that answers one JSON value, and what is made of it. */
export interface StatsSection<T> {
  /** The SQL of a scalar subquery. `place` adds a parameter and returns its placeholder. */
  sql: (place: (value: unknown) => string) => string;
  read: (json: never) => T;
}

/** Reads sections; all that are asked for in one turn of the event loop come from one statement. */
export interface StatsReader {
  read<T>(section: StatsSection<T>): Promise<T>;
}

export function createStatsReader({ readRows }: Pick<RegistryDatabase, 'readRows'>): StatsReader {
  const loader = new DataLoader<StatsSection<unknown>, unknown>(async (sections) => {
    const values: unknown[] = [];
    const place = (value: unknown) => `$${values.push(value)}`;
    const columns = sections.map(({ sql }, at) => `(${sql(place)}) AS s${at}`);
    const [row] = await readRows<Record<string, never>>({ text: `SELECT ${columns.join(',\n')}`, values });
    return sections.map(({ read }, at) => read(row?.[`s${at}`] as never));
  });
  // The loader gives each section what its own `read` returns.
  return { read: (section) => loader.load(section) as Promise<never> };
}
