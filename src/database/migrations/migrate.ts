import pg from 'pg';
import { DatabaseClient } from '../connections/database-client.js';
import { judgeServer, readServerFacts, ServerError, type ServerFacts } from '../servers/server-check.js';
import { refuseForeignMigrations } from './foreign-migrations.js';
import { createMigrationAdapter } from './migration-adapter.js';
import { type Migration, readMigrations, registryMigrationsDir } from './migration-folder.js';
import {
  acquireMigrationLock,
  planMigrations,
  readHistory,
  recordFinished,
  rollBackUnfinished,
} from './migration-history.js';
import { openMigrationSession } from './migration-session.js';
import { refuseTooOld } from './oldest-version.js';
import { createMigrationList, openSchemaEngine, wholeSchema } from './schema-engine.js';
import { setRelicsAside } from './set-aside.js';

export interface MigrateOptions {
  migrationsDir?: string;
  /**
   * Called with one line when the database is newer than this version (an old gateway may restart during an upgrade),
   * or when tables from before the registry were renamed.
   */
  warn?: (message: string) => void;
  /** Whether objects of an older registry may be renamed. Default: they are refused. */
  renamesOldTables?: boolean;
  /** Throws instead of applying pending migrations. */
  readOnly?: boolean;
  /** How long to wait while another process migrates, in milliseconds. */
  lockTimeoutMs?: number;
  /** The variable with the URL. Default: DATABASE_URL. */
  variable?: string;
  /** The most connections that this process opens to the server through this URL. Default: not compared. */
  connections?: number;
  /** Whether gateways serve only with synchronous standbys. Default: false. */
  requiresStandbys?: boolean;
  /** Further problems of servers, which are reported with those of this one. */
  findProblems?: () => Promise<string[]>;
  /** The data folder of the embedded PostgreSQL, when the database is in it: a refusal names the folder. */
  dataDir?: string;
}

/**
 * Applies all pending migrations and returns their names. Several gateways may call it at once, and it is
 * interchangeable with `prisma migrate deploy`: same lock, same table, same checksums. A failed migration leaves
 * nothing behind, and the next start tries it again. Without pending migrations it only reads.
 */
export async function migrateRegistry(databaseUrl: string, options: MigrateOptions = {}): Promise<string[]> {
  const migrations = await readMigrations(options.migrationsDir ?? registryMigrationsDir);
  const session = await openMigrationSession(databaseUrl, options.variable);
  try {
    const facts = await readServerFacts(session);
    // A role without the owner's rights cannot read the history.
    let plan = planMigrations(migrations, facts.ownsTables ? await readHistory(session) : []);
    await requireServer(session, facts, plan.pending.length > 0, options);
    refuseForeignMigrations(session, plan, migrations.length, options.dataDir);
    await refuseTooOld(session, migrations);
    if (plan.pending.length > 0 && options.readOnly)
      throw new Error(
        'The registry database has pending migrations, and this command is read-only: run "tenant-registry migrate" first',
      );
    if (plan.pending.length > 0) {
      await acquireMigrationLock(session, options.lockTimeoutMs ?? 600_000);
      // The process that held the lock before may have applied them.
      const history = await readHistory(session);
      plan = planMigrations(migrations, history);
      if (history.some((row) => !row.finished)) await rollBackUnfinished(session);
    }
    const warn = options.warn ?? ((message) => process.emitWarning(message));
    if (plan.pending.length > 0) {
      const aside = await setRelicsAside(
        session,
        migrations,
        plan.pending,
        options.renamesOldTables === true,
      );
      if (aside.length > 0)
        warn(`Renamed tables from before this registry, for "import databases": ${aside.join(', ')}`);
    }
    if (plan.newer.length > 0) {
      warn(
        `The database was migrated by a newer version, which applied ${plan.newer.join(', ')}; this version continues with it`,
      );
    }
    return plan.pending.length > 0 ? await applyMigrations(session, migrations, plan.pending) : [];
  } finally {
    await session.end();
  }
}

async function requireServer(
  session: pg.Client,
  facts: ServerFacts,
  isPending: boolean,
  options: MigrateOptions,
): Promise<void> {
  const { variable = 'DATABASE_URL', readOnly = false, connections = 0, findProblems } = options;
  const isPooled = session instanceof DatabaseClient && session.isPooled;
  const own = judgeServer(facts, {
    of: 'registry',
    isRead: readOnly,
    creates: isPending && facts.ownsTables,
    connections: isPooled ? 0 : connections,
    requiresStandbys: options.requiresStandbys ?? false,
  });
  const problems = [...own.map((problem) => `${variable}: ${problem}`), ...((await findProblems?.()) ?? [])];
  if (problems.length > 0) throw new ServerError(problems);
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
    if (migration?.script !== script) return await session.query(script); // a statement of the engine itself
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
    // Without this, `prisma migrate deploy` could not continue. When the session was lost, the next start does it.
    if (failure) await rollBackUnfinished(session).catch(() => {});
    throw failure ?? explainEngineError(error);
  } finally {
    engine.free();
  }
}

/** Sends a script together with its record, which PostgreSQL runs as one transaction. */
async function runMigration(session: pg.Client, migration: Migration): Promise<void> {
  try {
    await session.query(`${migration.script}\n;${recordFinished(migration)}`);
  } catch (error) {
    // Statements such as CREATE INDEX CONCURRENTLY are alone in their file, and fail at once when another statement is
    // sent with them.
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

function explainEngineError(error: unknown): unknown {
  const notEmpty = error instanceof Error && 'code' in error && error.code === 'P3005';
  if (!notEmpty) return error;
  return new Error(
    'The database holds tables that are not from the registry: give the registry an empty database',
    { cause: error },
  );
}
