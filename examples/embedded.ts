import { readFileSync } from 'node:fs';

/** A database of the PostgreSQL that `npm start` brings, for examples that stand beside it. */
export function embeddedUrl(database: string): string {
  const password = readFileSync('.data/pgpass', 'utf8').trim().split(':').at(-1);
  return `postgres://postgres:${password}@127.0.0.1:54329/${database}`;
}
