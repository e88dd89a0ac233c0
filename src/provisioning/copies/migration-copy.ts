import { createHash } from 'node:crypto';
import type { ClientBase } from 'pg';
import { inTransaction } from '../../database/statements/in-transaction.js';
import { RegistryError } from '../../errors.js';
import { requireOwnEventTriggers } from '../fence/foreign-code.js';
import { installGuard } from '../fence/guard.js';
import { textsForNewStorage } from '../storage/files/new-storage.js';
import { isSameFile, type ModuleMigration } from '../storage/module-migrations.js';
import { findModuleRoles, type ModuleRoles } from '../storage/module-role.js';
import { ensureMark, ensureModuleSql, ensureName, ensureSql, ensureVersion, runName } from './ensure-sql.js';

/**
 * Each service database holds a copy of its modules' migrations and procedures that run them, so that services can create a
 * tenant's schema by SQL alone: `CALL ensure_finance_tenant_schema(tenant_id, schema)`.
 */

/** A module and the migrations to copy. */
export interface CopiedModule {
  module: string;
  /** The name of the module's database in the registry. */
  databaseName: string;
  migrations: readonly ModuleMigration[];
}

/** Older names of a module: services still call its procedure by them. */
const olderNames: Readonly<Record<string, readonly string[]>> = { operations: ['party'] };

/**
 * Creates or renews a module's copy in the client's database. Sends one small query when nothing is to do. Leaves a newer copy
 * as it is, unless `force`, and routines that the registry did not make. Returns the names of such routines.
 */
export async function installCopy(
  client: ClientBase,
  copied: CopiedModule,
  { force = false }: { force?: boolean } = {},
): Promise<string[]> {
  const { module, migrations } = copied;
  const roles = await findModuleRoles(client, module);
  const digest = digestOf(copied, roles);
  const before = await readCopyState(client, copied, roles.access);
  if (!force && isUpToDate(before, digest)) return before.foreign;
  const texts = await textsForNewStorage(migrations);
  const copiedFiles = migrations.map(({ name, sql, checksum, runsAlone = false }, at) => {
    return { ...{ name, sql, checksum, runsAlone }, newSql: texts[at] === sql ? null : texts[at] };
  });
  await requireOwnEventTriggers(client);
  await installGuard(client, roles.access);
  return inTransaction(client, async () => {
    await client.query(`SELECT pg_advisory_xact_lock(hashtextextended('tenant_guard/install', 0))`);
    const found = await readCopyState(client, copied, roles.access);
    if (!force && (isUpToDate(found, digest) || (await isNewer(client, copied, found)))) return found.foreign;
    if (!found.mayCreate)
      throw new RegistryError(
        'CONFLICT',
        `Role ${found.user} may not create procedures in schema public of database ${found.database}: GRANT USAGE, CREATE ON SCHEMA public TO ${found.user}`,
      );
    if (found.version < ensureVersion) await client.query(ensureSql);
    await client.query('DELETE FROM tenant_guard.migration WHERE module = $1', [module]);
    await client.query(
      `INSERT INTO tenant_guard.migration (module, position, name, sql, checksum, new_sql, runs_alone)
       SELECT $1, place - 1, file ->> 'name', file ->> 'sql', file ->> 'checksum', file ->> 'newSql', (file ->> 'runsAlone')::boolean
       FROM jsonb_array_elements($2::jsonb) WITH ORDINALITY AS files (file, place)`,
      [module, JSON.stringify(copiedFiles)],
    );
    await client.query(ensureModuleSql({ ...copied, names: found.names, roles, digest }));
    return found.foreign;
  });
}

interface CopyState {
  database: string;
  user: string;
  /** Whether this session may create procedures in schema public. */
  mayCreate: boolean;
  /** Version of the functions that all modules share; 0 when there are none. */
  version: number;
  /** Digest of this module's copy; null when there is none. */
  digest: string | null;
  /** Procedures that should exist in schema public. */
  names: string[];
  /** Procedures of these that exist and that the module's role may call. */
  ready: string[];
  /** Routines of these names that the registry did not make. */
  foreign: string[];
}

function isUpToDate({ version, digest, names, ready }: CopyState, wanted: string): boolean {
  return version > ensureVersion || (digest === wanted && names.every((name) => ready.includes(name)));
}

/** Whether an upgraded gateway has installed a longer copy. During a rolling upgrade an older gateway must not shorten it. */
async function isNewer(
  client: ClientBase,
  { module, migrations }: CopiedModule,
  found: CopyState,
): Promise<boolean> {
  if (found.version === 0) return false;
  const { rows } = await client.query<{ name: string; checksum: string }>(
    'SELECT name, checksum FROM tenant_guard.migration WHERE module = $1',
    [module],
  );
  const copied = new Map(rows.map(({ name, checksum }) => [name, checksum]));
  if (copied.size <= migrations.length) return false;
  return migrations.every((migration) => isSameFile(migration, copied.get(migration.name) ?? ''));
}

function digestOf({ module, databaseName, migrations }: CopiedModule, { owner }: ModuleRoles): string {
  const files = migrations.map(({ name, checksum }) => [name, checksum]);
  return createHash('sha256')
    .update(JSON.stringify([ensureVersion, module, databaseName, owner, files]))
    .digest('hex');
}

interface Row extends Omit<CopyState, 'names' | 'ready' | 'foreign'> {
  routines: { name: string; isOurs: boolean; mayCall: boolean }[];
  modules: string[];
}

async function readCopyState(
  client: ClientBase,
  { module }: CopiedModule,
  role: string | undefined,
): Promise<CopyState> {
  const older = olderNames[module] ?? [];
  const { rows } = await client.query<Row>(copyStateSql, [
    runName(module),
    [module, ...older].map(ensureName),
    ensureMark,
    role ?? null,
    older.map(runName),
  ]);
  const [row] = rows;
  if (!row) throw new Error('the query of the copy returned no row');
  const { routines, modules, ...found } = row;
  const foreign = routines.filter(({ isOurs }) => !isOurs).map(({ name }) => name);
  // A module that is registered under an older name keeps the name for itself.
  const wanted = [module, ...older.filter((name) => !modules.includes(runName(name)))].map(ensureName);
  return {
    ...found,
    names: wanted.filter((name) => !foreign.includes(name)),
    ready: routines.filter(({ isOurs, mayCall }) => isOurs && mayCall).map(({ name }) => name),
    foreign,
  };
}

// Reads the catalogs, because to_regprocedure fails for a role without USAGE on the schema.
const copyStateSql = `
  WITH guard AS (
    SELECT oid, nspowner FROM pg_namespace WHERE nspname = 'tenant_guard'
  ), routine AS (
    SELECT proname::text AS name,
           coalesce(bool_and(prokind = 'p' AND starts_with(coalesce(obj_description(oid, 'pg_proc'), ''), $3)
             AND proowner = (SELECT nspowner FROM guard)), false) AS "isOurs",
           bool_and($4::name IS NULL OR has_function_privilege($4, oid, 'EXECUTE')) AS "mayCall"
    FROM pg_proc WHERE pronamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'public') AND proname = ANY ($2) GROUP BY proname
  )
  SELECT current_database() AS database, current_user AS user,
         coalesce((SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = 'public'), false) AS "mayCreate",
         coalesce((SELECT substring(obj_description(class.oid, 'pg_class') FROM 'Version (\\d{1,9})')::int
                   FROM pg_class AS class JOIN guard ON guard.oid = relnamespace WHERE relname = 'migration'), 0) AS version,
         (SELECT substring(obj_description(proc.oid, 'pg_proc') FROM 'copy ([0-9a-f]{64})')
          FROM pg_proc AS proc JOIN guard ON guard.oid = pronamespace WHERE proname = $1) AS digest,
         coalesce((SELECT json_agg(routine) FROM routine), '[]') AS routines,
         ARRAY(SELECT proname::text FROM pg_proc JOIN guard ON guard.oid = pronamespace WHERE proname = ANY ($5)) AS modules`;
