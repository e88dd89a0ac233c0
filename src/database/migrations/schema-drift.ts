import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type pg from 'pg';
import { withDatabase } from '../../urls/postgres-url.js';
import { DatabaseClient } from '../connections/database-client.js';
import { dropDatabaseIfExists } from '../statements/database-in-use.js';
import { createMigrationAdapter } from './migration-adapter.js';
import { readMigrations, registryMigrationsDir, registrySchemaFile } from './migration-folder.js';
import { openMigrationSession } from './migration-session.js';
import { createMigrationList, openSchemaEngine, wholeSchema } from './schema-engine.js';

export interface DriftOptions {
  migrationsDir?: string;
  schemaFile?: string;
}

/**
 * Returns the SQL that would change the database made by prisma/migrations into the one of prisma/schema.prisma; ''
 * when they agree. Functions, triggers and CHECKs are not compared, because Prisma's schema cannot express them. The
 * user of `serverUrl` must be allowed to create a database, in which the migrations run for the comparison.
 */
export async function findSchemaDrift(serverUrl: string, options: DriftOptions = {}): Promise<string> {
  const migrations = await readMigrations(options.migrationsDir ?? registryMigrationsDir);
  const schema = await readFile(options.schemaFile ?? registrySchemaFile, 'utf8');
  return await withShadowDatabase(serverUrl, async (session) => {
    const engine = await openSchemaEngine(createMigrationAdapter(session));
    try {
      const { exitCode, stdout } = await engine.diff({
        from: { tag: 'migrations', ...createMigrationList(migrations) },
        to: { tag: 'schemaDatamodel', files: [{ path: 'schema.prisma', content: schema }] },
        script: true,
        exitCode: true, // exit code 0 when they agree; the script is only a comment then
        filters: wholeSchema,
      });
      return exitCode === 0 ? '' : (stdout ?? '');
    } finally {
      engine.free();
    }
  });
}

async function withShadowDatabase<T>(serverUrl: string, run: (session: pg.Client) => Promise<T>): Promise<T> {
  const database = `registry_drift_${randomUUID().replaceAll('-', '')}`;
  const server = new DatabaseClient({ connectionString: serverUrl, bounds: {} });
  await server.connect();
  try {
    await server.query(`CREATE DATABASE ${database} TEMPLATE template0`);
    const session = await openMigrationSession(withDatabase(serverUrl, database));
    try {
      return await run(session);
    } finally {
      await session.end();
    }
  } finally {
    await dropDatabaseIfExists(server, database);
    await server.end();
  }
}
