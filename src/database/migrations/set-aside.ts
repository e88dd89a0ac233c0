import type pg from 'pg';
import { identifier } from '../identifier.js';
import { findAsideName, findLegacyTables } from './legacy-tables.js';
import type { Migration } from './migration-folder.js';

/** An object from before the registry whose name a migration needs. */
interface Relic {
  kind: 'TABLE' | 'VIEW' | 'MATERIALIZED VIEW' | 'FOREIGN TABLE' | 'SEQUENCE' | 'INDEX' | 'TYPE' | 'ROUTINE';
  /** The name as ALTER needs it, with schema and arguments. */
  address: string;
  name: string;
}

/**
 * Renames objects of a database that held another registry before this one, when their names are those that the
 * migrations create. All renames happen in one transaction, and `import databases` reads the tables later. Returns the
 * new names of the tables. A database without a table of tenants is left unchanged: it belongs to another application,
 * and the migration refuses it. Without consent nothing is renamed, and objects that would be are refused: the tables of an
 * application can look like those of a registry.
 */
export async function setRelicsAside(
  session: pg.Client,
  migrations: readonly Migration[],
  pending: readonly Migration[],
  mayRename: boolean,
): Promise<string[]> {
  const tables = (await findLegacyTables(session)).filter(({ schema }) => schema === 'public');
  if (tables.length === 0) return [];
  // After the first migration of this registry, objects of these names belong to it, except for tables of tenants that
  // were added later.
  const isNew = pending.length === migrations.length;
  const relicNames = isNew
    ? createdNames(migrations)
    : [...tables.filter(({ isAside }) => !isAside).map(({ name }) => name), ...newNames(migrations, pending)];
  const relics = await findRelics(session, relicNames);
  if (relics.length > 0 && !mayRename) throw refusal(session, relics);
  const names: string[] = [];
  await session.query('BEGIN');
  try {
    await session.query(`SET LOCAL lock_timeout = '30s'`);
    for (const { kind, address, name } of relics) {
      const aside = await findAsideName(session, 'public', name);
      await session.query(`ALTER ${kind} ${address} RENAME TO ${identifier(aside)}`);
      if (kind === 'TABLE') names.push(aside);
    }
    // Without this table Prisma refuses a database that is not empty.
    if (isNew) await session.query(migrationsTable);
    await session.query('COMMIT');
  } catch (error) {
    await session.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
  return names;
}

/** How many objects a refusal names. */
const namedRelics = 10;

function refusal({ database, host, port }: pg.Client, relics: readonly Relic[]): Error {
  // An index goes with its table.
  const own = relics.filter(({ kind }) => kind !== 'INDEX');
  const named = own.slice(0, namedRelics).map(({ kind, address }) => `${kind.toLowerCase()} ${address}`);
  const more = own.length > named.length ? `, and ${own.length - named.length} more` : '';
  return new Error(
    `The database "${database}" at ${host}:${port} has objects that this registry did not make and whose names it needs: ${named.join(', ')}${more}. ` +
      'Set DATABASE_URL to an empty database; or, if they belong to an older registry that this one replaces, run ' +
      '"tenant-registry migrate --rename-old-tables", which renames them to <name>_before_registry and keeps their data',
  );
}

/** Returns the names that the scripts create, and the two names under which services read the registry. */
function createdNames(migrations: readonly Migration[]): string[] {
  const created =
    /\bCREATE\s+(?:OR\s+REPLACE\s+)?(?:UNIQUE\s+)?(?:TABLE|TYPE|VIEW|INDEX|FUNCTION|PROCEDURE)\s+(?:IF\s+NOT\s+EXISTS\s+)?"?(\w+)"?|\bCONSTRAINT\s+"?(\w+)"?\s+(?:PRIMARY\s+KEY|UNIQUE)/g;
  const names = migrations.flatMap(({ script }) =>
    [...script.matchAll(created)].map(([, object, constraint]) => object ?? constraint ?? ''),
  );
  return [...new Set([...names, 'tenants', 'tenant_registry'])];
}

/** Returns the names that only the pending scripts create. No object of this registry has such a name yet. */
function newNames(migrations: readonly Migration[], pending: readonly Migration[]): string[] {
  const made = new Set(createdNames(migrations.filter((migration) => !pending.includes(migration))));
  return createdNames(pending).filter((name) => !made.has(name));
}

async function findRelics(session: pg.Client, names: readonly string[]): Promise<Relic[]> {
  // Renaming a table renames its type; renaming an index renames the constraint that owns it.
  const { rows } = await session.query<Relic>(
    `SELECT relname AS name, format('public.%I', relname) AS address,
            CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'f' THEN 'FOREIGN TABLE'
                         WHEN 'S' THEN 'SEQUENCE' WHEN 'i' THEN 'INDEX' WHEN 'I' THEN 'INDEX' ELSE 'TABLE' END AS kind
     FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname = ANY ($1) AND relkind <> 'c'
     UNION ALL
     SELECT typname, format('public.%I', typname), 'TYPE'
     FROM pg_type LEFT JOIN pg_class ON pg_class.oid = typrelid
     WHERE typnamespace = 'public'::regnamespace AND typname = ANY ($1) AND typelem = 0
       AND (typrelid = 0 OR relkind = 'c')
     UNION ALL
     SELECT proname, oid::regprocedure::text, 'ROUTINE'
     FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname = ANY ($1)
     ORDER BY 1`,
    [names],
  );
  return rows;
}

/** The table in the form in which Prisma's engine creates it. */
const migrationsTable = `
  CREATE TABLE IF NOT EXISTS public._prisma_migrations (
    id                  VARCHAR(36) PRIMARY KEY NOT NULL,
    checksum            VARCHAR(64) NOT NULL,
    finished_at         TIMESTAMPTZ,
    migration_name      VARCHAR(255) NOT NULL,
    logs                TEXT,
    rolled_back_at      TIMESTAMPTZ,
    started_at          TIMESTAMPTZ NOT NULL DEFAULT now(),
    applied_steps_count INTEGER NOT NULL DEFAULT 0
  )`;
