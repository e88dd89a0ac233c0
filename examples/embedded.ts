import { readFileSync } from 'node:fs';

/** The URL of a database on the embedded PostgreSQL of `npm start`, for examples that run beside it. */
export function embeddedUrl(database: string): string {
  const password = readFileSync('.data/pgpass', 'utf8').trim().split(':').at(-1);
  return `postgres://postgres:${password}@127.0.0.1:54329/${database}`;
}
