import { readFileSync } from 'node:fs';

/** The URL of a database on the embedded PostgreSQL of `npm start`, for examples that run beside it with the same DATA_DIR. */
export function embeddedUrl(database: string): string {
  const { DATA_DIR: dataDir = '.data' } = process.env;
  const port = readFileSync(`${dataDir}/postgres.port`, 'utf8').trim();
  const password = readFileSync(`${dataDir}/pgpass`, 'utf8').trim().split(':').at(-1);
  return `postgres://postgres:${password}@127.0.0.1:${port}/${database}`;
}
