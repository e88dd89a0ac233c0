import type { ClientBase } from 'pg';
import { identifier } from '../../../database/identifier.js';
import { RegistryError } from '../../../errors.js';
import type { CommandContext } from '../../../registry/command.js';
import { readBinding, type SubscriptionStorage } from '../../operations/subscription-storage.js';
import { bindStorage } from '../../storage/bind-storage.js';
import { grantAccess, type ModuleRoles } from '../../storage/module-role.js';
import type { FindingCode } from '../finding.js';
import { inComparedStorage } from './compared-storage.js';
import { inOwnStorage } from './own-storage.js';

type Repair = (context: CommandContext, storage: SubscriptionStorage) => Promise<void>;

/** How the state of a storage is made as the registry says. Findings without an entry are repaired as their remedy says. */
export const storageRepairs: Partial<Record<FindingCode, Repair>> = {
  GUARD_MISSING: bind,
  GUARD_OUTDATED: bind,
  BINDING_MISSING: bind,
  BINDING_GENERATION_DIFFERS: bind,
  BINDING_STATE_DIFFERS: bind,
  BINDING_AHEAD: async (context, storage) => {
    const { schemaName } = storage.target;
    await atOwnStorage(context, storage, (client) =>
      client.query('UPDATE tenant_guard.binding SET revision = 0 WHERE schema_name = $1', [schemaName]),
    );
    await bind(context, storage);
  },
  ACCESS_GRANT_MISSING: (context, storage) =>
    atOwnStorage(context, storage, (client, { access }) =>
      grantAccess(client, storage.target.schemaName, access),
    ),
  SCHEMA_OPEN_TO_PUBLIC: (context, storage) =>
    atOwnStorage(context, storage, (client) =>
      client.query(`REVOKE CREATE ON SCHEMA ${identifier(storage.target.schemaName)} FROM PUBLIC`),
    ),
  SCHEMA_OWNER_WRONG: (context, storage) =>
    takeOwnership(context, storage, async () => [`SCHEMA ${identifier(storage.target.schemaName)}`]),
  TABLE_OWNER_WRONG: (context, storage) =>
    takeOwnership(context, storage, async (client) => {
      const { rows } = await client.query<{ object: string }>(objectsSql, [storage.target.schemaName]);
      return rows.map(({ object }) => object);
    }),
};

/** Objects in the form that ALTER … OWNER TO takes. Sequences of columns follow their table. */
const objectsSql = `
  SELECT CASE relkind WHEN 'v' THEN 'VIEW ' WHEN 'm' THEN 'MATERIALIZED VIEW ' WHEN 'S' THEN 'SEQUENCE ' WHEN 'f' THEN 'FOREIGN TABLE '
           ELSE 'TABLE ' END || format('%I.%I', nspname, relname) AS object
  FROM pg_class AS class JOIN pg_namespace AS namespace ON namespace.oid = relnamespace
  WHERE nspname = $1 AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND NOT EXISTS (
    SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = class.oid AND deptype IN ('a', 'i', 'e') AND refobjsubid > 0)
  UNION ALL
  SELECT 'ROUTINE ' || proc.oid::regprocedure FROM pg_proc AS proc JOIN pg_namespace AS namespace ON namespace.oid = pronamespace
  WHERE nspname = $1 AND NOT EXISTS (
    SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = proc.oid AND deptype = 'e')
  UNION ALL
  SELECT CASE typtype WHEN 'd' THEN 'DOMAIN ' ELSE 'TYPE ' END || format('%I.%I', nspname, typname)
  FROM pg_type AS type JOIN pg_namespace AS namespace ON namespace.oid = typnamespace
  WHERE nspname = $1 AND (typtype IN ('d', 'e', 'r') OR typrelid IN (SELECT oid FROM pg_class WHERE relkind = 'c'))`;

async function ownerOf(client: ClientBase, { owner }: ModuleRoles): Promise<string> {
  if (owner !== undefined) return identifier(owner);
  const { rows } = await client.query<{ name: string }>('SELECT current_user::text AS name');
  return identifier(rows[0]?.name ?? '');
}

async function bind(context: CommandContext, storage: SubscriptionStorage): Promise<void> {
  await bindStorage(context.serviceDatabases, storage.target, () => readBinding(context, storage), {
    deadlineMs: context.stalenessMs,
  });
}

function atOwnStorage(
  { serviceDatabases }: CommandContext,
  { target }: SubscriptionStorage,
  work: (client: ClientBase, roles: ModuleRoles) => Promise<unknown>,
): Promise<void> {
  return inOwnStorage(serviceDatabases, target, async (client, roles) => void (await work(client, roles)));
}

/**
 * Makes the module's role the owner. What a role owned it could fill with code, which would run with the rights of the new owner: so the
 * schema must be exactly what the files make. That is compared after the change, when the old owner can alter nothing any more.
 */
function takeOwnership(
  { serviceDatabases }: CommandContext,
  { target }: SubscriptionStorage,
  list: (client: ClientBase) => Promise<string[]>,
): Promise<void> {
  return inComparedStorage(serviceDatabases, target, async ({ client, roles, compare }) => {
    const owner = await ownerOf(client, roles);
    for (const object of await list(client)) await client.query(`ALTER ${object} OWNER TO ${owner}`);
    await grantAccess(client, target.schemaName, roles.access);
    const [first, ...others] = await compare();
    if (first)
      throw new RegistryError(
        'CONFLICT',
        `Schema ${target.schemaName} differs from the module’s files in ${others.length + 1} parts, such as the ${first.kind} ${first.name}, which would ` +
          'run with the rights of the new owner: repair these first, or check them and change the owner by SQL',
      );
  });
}
