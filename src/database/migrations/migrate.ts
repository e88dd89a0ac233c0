import pg from 'pg';
import { refuseForeignMigrations } from './foreign-migrations.js';
import { createMigrationAdapter } from './migration-adapter.js';
import { type Migration, readMigrations, registryMigrationsDir } from './migration-folder.js';
import {
  acquireMigrationLock,
  planMigrations,
  readHistory,
  recordFinished,
  takeBackUnfinished,
} from './migration-history.js';
import { openMigrationSession } from './migration-session.js';
import { createMigrationList, openSchemaEngine, wholeSchema } from './schema-engine.js';
import { setRelicsAside } from './set-aside.js';

export interface MigrateOptions {
  migrationsDir?: string;
  /**
   * Told, in one line, that the database is newer than this version (an old gateway may restart amid an upgrade), or
   * that tables from before the registry had to make room.
   */
  warn?: (message: string) => void;
  /** Throws instead of applying what is pending. */
  readOnly?: boolean;
  /** How long to wait while another process migrates. */
  lockTimeoutMs?: number;
  /** The data folder of the embedded PostgreSQL, when the database is in it: a refusal names the folder. */
  dataDir?: string;
}

/**
 * Applies all pending migrations and returns their names. Safe when several gateways start at once, and interchangeable
 * with `prisma migrate deploy`: same lock, same table, same checksums. A migration that fails leaves nothing behind and
 * is tried again by the next start. Where nothing is pending this costs one SELECT.
 */
export async function migrateRegistry(databaseUrl: string, options: MigrateOptions = {}): Promise<string[]> {
  const migrations = await readMigrations(options.migrationsDir ?? registryMigrationsDir);
  const session = await openMigrationSession(databaseUrl);
  try {
    let plan = planMigrations(migrations, await readHistory(session));
    refuseForeignMigrations(session, plan, migrations.length, options.dataDir);
    if (plan.pending.length > 0 && options.readOnly)
      throw new Error(
        'The registry database is not at this version, and this command changes nothing: run tenant-registry migrate first',
      );
    if (plan.pending.length > 0) {
      await acquireMigrationLock(session, options.lockTimeoutMs ?? 600_000);
      // Whoever had the lock before may have applied them.
      const history = await readHistory(session);
      plan = planMigrations(migrations, history);
      if (history.some((row) => !row.finished)) await takeBackUnfinished(session);
    }
    const warn = options.warn ?? ((message) => process.emitWarning(message));
    if (plan.pending.length > 0) {
      const aside = await setRelicsAside(session, migrations, plan.pending);
      if (aside.length > 0)
        warn(`Set aside tables from before this registry, for "import databases": ${aside.join(', ')}`);
    }
    if (plan.newer.length > 0) {
      warn(
        `The database was migrated by a newer version, which applied ${plan.newer.join(', ')}; going on with it`,
      );
    }
    return plan.pending.length > 0 ? await applyMigrations(session, migrations, plan.pending) : [];
  } finally {
    await session.end();
  }
}

async function applyMigrations(
  session: pg.Client,
  migrations: Migration[],
  pending: Migration[],
): Promise<string[]> {
  const queue = [...pending];
  let failure: Error | undefined;
  const runScript = async (script: string) => {
    const migration = queue[0];
    if (migration?.script !== script) return await session.query(script); // the engine's own
    queue.shift();
    try {
      await runMigration(session, migration);
    } catch (error) {
      failure = migrationFailed(migration, error);
      throw error;
    }
  };
  const engine = await openSchemaEngine(createMigrationAdapter(session, runScript));
  try {
    const { appliedMigrationNames } = await engine.applyMigrations({
      migrationsList: createMigrationList(migrations),
      filters: wholeSchema,
    });
    return appliedMigrationNames;
  } catch (error) {
    // So that `prisma migrate deploy` can go on as well. Where the session died the next start will do it.
    if (failure) await takeBackUnfinished(session).catch(() => {});
    throw failure ?? refusalOf(error);
  } finally {
    engine.free();
  }
}

/** Sends a script and its record whole, which PostgreSQL takes as one transaction. */
async function runMigration(session: pg.Client, migration: Migration): Promise<void> {
  try {
    await session.query(`${migration.script}\n;${recordFinished(migration)}`);
  } catch (error) {
    // CREATE INDEX CONCURRENTLY and its like stand alone in their file and refuse company before they begin.
    if (!(error instanceof pg.DatabaseError && error.code === '25001')) throw error;
    await session.query(migration.script);
  }
}

function migrationFailed(migration: Migration, cause: unknown): Error {
  const message = cause instanceof Error ? cause.message : String(cause);
  const position = cause instanceof pg.DatabaseError ? Number(cause.position ?? 0) : 0;
  const line = position > 0 ? ` (line ${migration.script.slice(0, position - 1).split('\n').length})` : '';
  return new Error(`Migration "${migration.name}" failed${line}: ${message}`, { cause });
}

function refusalOf(error: unknown): unknown {
  const notEmpty = error instanceof Error && 'code' in error && error.code === 'P3005';
  if (!notEmpty) return error;
  return new Error(
    'The database holds tables, but none of them from a migration: give the registry an empty database',
    { cause: error },
  );
}
