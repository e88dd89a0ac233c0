import { type ClientBase, DatabaseError, escapeLiteral as literal } from 'pg';
import { identifier } from '../../../database/identifier.js';
import { type Statement, sendAll } from '../../../database/statements/batch.js';
import { inTransaction } from '../../../database/statements/in-transaction.js';
import type { SchemaOwner } from '../../fence/binding.js';
import { listApplied } from '../../fence/schema-version.js';
import { isVouchedFor } from '../../storage/files/vouched-files.js';
import { runLoneMigration } from '../../storage/lone-migration.js';
import { runMigrations, statementsFor } from '../../storage/migration-run.js';
import type { ModuleMigration } from '../../storage/module-migrations.js';
import { accessSql, closeSql } from '../../storage/module-role.js';
import { releasingSql } from './storage-state.js';
import { findViolations, keptRows, type Violation } from './violations.js';

/** The schema in which files run, and how long they may take. */
export interface FilePlace {
  schemaName: string;
  owner: SchemaOwner;
  /** The module's owner role, when the schema belongs to it; undefined: files run as the session's role. */
  role: string | undefined;
  /** The module's owner role as findModuleRoles returns it. */
  moduleRole: string | undefined;
  access: string | undefined;
  lockTimeoutMs: number;
  statementTimeoutMs: number;
}

/** A check before a file, or a verification after it, has found rows. */
export class ViolationsError extends Error {
  override readonly name = 'ViolationsError';
  readonly kind: 'check' | 'verify';
  readonly violations: readonly Violation[];

  constructor(
    { name }: ModuleMigration,
    kind: 'check' | 'verify',
    violations: readonly Violation[],
    ending: string,
  ) {
    const rows = violations.length === 1 ? '1 row' : `${violations.length} rows`;
    const found = violations.length < keptRows ? rows : `${keptRows} or more rows`;
    super(`${name.replace(/sql$/, `${kind}.sql`)} found ${found}: ${ending}`);
    this.kind = kind;
    this.violations = violations;
  }
}

/** Runs the check before a file. Throws ViolationsError. */
export async function checkFile(
  client: ClientBase,
  migration: ModuleMigration,
  place: FilePlace,
): Promise<void> {
  if (migration.check === undefined) return;
  const found = await query(client, migration, 'check', place);
  if (found.length > 0)
    throw new ViolationsError(migration, 'check', found, 'correct the data and use retryRollout');
}

/** Runs a file and records it, all or nothing unless the file says that it runs alone. Throws ViolationsError. */
export async function runFile(
  client: ClientBase,
  migration: ModuleMigration,
  place: FilePlace,
): Promise<void> {
  const { schemaName, owner, moduleRole: role, lockTimeoutMs, statementTimeoutMs } = place;
  if (!migration.runsAlone) return runInTransaction(client, migration, place);
  await runLoneMigration(client, { schemaName, owner }, migration, {
    role,
    lockTimeoutMs,
    statementTimeoutMs,
  });
  if (migration.verify === undefined) return;
  const found = await query(client, migration, 'verify', place);
  if (found.length > 0)
    throw new ViolationsError(
      migration,
      'verify',
      found,
      'the file runs outside transactions, so its work stays',
    );
}

async function runInTransaction(
  client: ClientBase,
  migration: ModuleMigration,
  place: FilePlace,
): Promise<void> {
  const { verify } = migration;
  await inTransaction(
    client,
    async (commit) => {
      await runMigrations(client, place.schemaName, [migration]);
      const after = ending(migration, place);
      if (verify === undefined) return void (await commit(...after));
      await sendAll(client, ...after);
      const found = await findViolations(client, verify, place);
      if (found.length > 0)
        throw new ViolationsError(
          migration,
          'verify',
          found,
          'the file was undone; correct it or the data and use retryRollout',
        );
    },
    settings(place),
  );
}

/** Whether a file may share a message with others: it has no check, and its text shows that it changes nothing outside the schema. */
export async function mayShareMessage(migration: ModuleMigration): Promise<boolean> {
  const { check, verify, runsAlone } = migration;
  return !runsAlone && check === undefined && verify === undefined && (await isVouchedFor(migration));
}

/**
 * Runs files that may share a message, each in its own transaction. Returns how many of them were committed, and the error of the next one.
 * The message is one of the simple protocol: the extended one takes four messages for each of so many short statements.
 */
export async function runTogether(
  client: ClientBase,
  migrations: readonly ModuleMigration[],
  place: FilePlace & { releases: boolean },
): Promise<{ committed: number; error: Error | undefined }> {
  const texts = migrations.flatMap((migration, at) => [
    'BEGIN',
    ...settings(place).map(({ text }) => text),
    // The commit of the last file writes those before it to the disk as well.
    ...(at < migrations.length - 1 ? ['SET LOCAL synchronous_commit = off'] : []),
    ...statementsFor(place.schemaName, migration.sql).map(({ text }) => text),
    ...endingOfPlain(migration, place),
    'COMMIT',
  ]);
  try {
    await client.query([...texts, ...(place.releases ? [releasingSql] : [])].join(';\n'));
    return { committed: migrations.length, error: undefined };
  } catch (error) {
    const cause = error instanceof Error ? error : new Error(String(error));
    await client.query('ROLLBACK').catch(() => undefined);
    if (!(error instanceof DatabaseError)) return { committed: 0, error: cause };
    const applied = new Set((await listApplied(client, place.schemaName)).map(({ name }) => name));
    const committed = migrations.filter(({ name }) => applied.has(name)).length;
    // A transaction with an id, whose commit is written to the disk.
    if (committed > 0) await client.query('SELECT pg_current_xact_id()').catch(() => undefined);
    const failed = migrations[committed];
    const message = `Migration ${failed?.name} failed: ${cause.message}`;
    return { committed, error: failed ? new Error(message, { cause }) : cause };
  }
}

/** What comes before a file in its transaction. */
function settings({ role, lockTimeoutMs, statementTimeoutMs }: FilePlace): Statement[] {
  return [
    { text: `SET LOCAL lock_timeout = ${lockTimeoutMs}` },
    { text: `SET LOCAL statement_timeout = ${statementTimeoutMs}` },
    ...(role === undefined ? [] : [{ text: `SET LOCAL ROLE ${identifier(role)}` }]),
  ];
}

/** What comes after a file in its transaction. */
function ending(migration: ModuleMigration, place: FilePlace): Statement[] {
  return [{ text: 'RESET ROLE' }, { text: recordSql(migration, place) }, { text: grantSql(place) }];
}

/** Runs a check or a verification in a transaction of its own. */
async function query(
  client: ClientBase,
  migration: ModuleMigration,
  kind: 'check' | 'verify',
  place: FilePlace,
): Promise<Violation[]> {
  const text = migration[kind];
  if (text === undefined) return [];
  try {
    return await inTransaction(client, () => findViolations(client, text, place));
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new Error(`Migration ${migration.name.replace(/sql$/, `${kind}.sql`)} failed: ${cause}`, {
      cause: error,
    });
  }
}

/** As recordApplied, in one statement: the schema has versions, so there is none of a dropped one left. */
function recordSql({ name, checksum }: ModuleMigration, { schemaName, owner }: FilePlace): string {
  const values = [name, checksum, owner.tenantId, owner.module].map(literal).join(', ');
  return `INSERT INTO tenant_guard.schema_version (schema_name, schema_oid, migration, checksum, tenant_id, module)
    SELECT nspname, oid, ${values} FROM pg_namespace WHERE nspname = ${literal(schemaName)}`;
}

/** As `ending`, without what the text of a plain file shows to be needless: it can make no routine, table or sequence in secret. */
function endingOfPlain(migration: ModuleMigration, place: FilePlace): string[] {
  const { sql } = migration;
  const makesRoutines = /function|procedure|aggregate/i.test(sql);
  const makesRelations = /create|serial|identity/i.test(sql);
  const needsGrants = makesRoutines || (place.access !== undefined && makesRelations);
  return [
    ...(place.role === undefined ? [] : ['RESET ROLE']),
    recordSql(migration, place),
    ...(needsGrants ? [grantSql(place)] : []),
  ];
}

/**
 * As grantAccess, when something in the schema lacks the rights: a GRANT writes the row of every table, also of those that have them
 * already, and waits for whoever else does. What is in the schema is found by pg_depend, which has an index for it.
 */
function grantSql({ schemaName, access }: FilePlace): string {
  const schema = identifier(schemaName);
  const inSchema = (catalog: string) =>
    `${catalog} JOIN pg_depend ON classid = '${catalog}'::regclass AND objid = ${catalog}.oid
     WHERE refclassid = 'pg_namespace'::regclass AND refobjid = ${literal(schema)}::regnamespace`;
  const isOpen = `EXISTS (SELECT FROM ${inSchema('pg_proc')} AND (proacl IS NULL OR EXISTS (SELECT FROM aclexplode(proacl) WHERE grantee = 0)))`;
  const close = `IF ${isOpen} THEN ${closeSql(schema)}; END IF;`;
  if (access === undefined) return `DO ${literal(`BEGIN ${close} END`)}`;
  const lacks = `EXISTS (SELECT FROM ${inSchema('pg_class')}
      AND CASE WHEN relkind IN ('r', 'p', 'v', 'm', 'f') THEN NOT has_table_privilege(${literal(access)}, pg_class.oid, 'SELECT')
               WHEN relkind = 'S' THEN NOT has_sequence_privilege(${literal(access)}, pg_class.oid, 'USAGE') ELSE false END)
    OR EXISTS (SELECT FROM ${inSchema('pg_proc')} AND NOT has_function_privilege(${literal(access)}, pg_proc.oid, 'EXECUTE'))`;
  const grant = `IF ${lacks} THEN ${accessSql(schema, identifier(access))}; END IF;`;
  // First the rights of PUBLIC go: with them the access role would seem to have its own.
  return `DO ${literal(`BEGIN ${close} ${grant} END`)}`;
}
