import { recordApplied } from '../../../src/provisioning/fence/schema-version.js';
import { runMigrations } from '../../../src/provisioning/storage/migration-run.js';
import { readModuleMigrations } from '../../../src/provisioning/storage/module-migrations.js';
import { accessSql, asSchemaOwner, grantAccess } from '../../../src/provisioning/storage/module-role.js';
import { type BulkStorage, connect, insertRows } from './many-storages.js';
import type { StructuralFault } from './structural-faults.js';

interface StructuredModule {
  name: string;
  url: string;
  /** The owner of the schemas. */
  owner: string;
  access: string;
}

/** Storages with all tables of the module, made by its files in less time than provisioning takes. Its database must have a guard. */
export async function createStructuredStorages(
  { registryUrl, modulesDir }: { registryUrl: string; modulesDir: string },
  { name, url, owner, access }: StructuredModule,
  { tenants, slugs }: { tenants: number; slugs: string },
): Promise<BulkStorage[]> {
  const migrations = await readModuleMigrations(modulesDir, name);
  const version = migrations.at(-1)?.name ?? null;
  const storages = await insertRows(registryUrl, name, { tenants, slugs, version });
  const client = await connect(url);
  try {
    await client.query('SET search_path = pg_catalog');
    for (const { schema, tenantId } of storages) {
      await client.query('BEGIN');
      await client.query(`CREATE SCHEMA "${schema}" AUTHORIZATION ${owner}`);
      await asSchemaOwner(client, schema, owner, () =>
        runMigrations(client, schema, migrations, { isNew: true }),
      );
      await recordApplied(client, schema, { tenantId, module: name }, migrations);
      await grantAccess(client, schema, access);
      await client.query(
        `INSERT INTO tenant_guard.binding (schema_name, schema_oid, tenant_id, module, generation, state, epoch, revision)
         SELECT nspname, oid, $2, $3, 1, 'active', '', 0 FROM pg_namespace WHERE nspname = $1`,
        [schema, tenantId, name],
      );
      await client.query('COMMIT');
    }
  } finally {
    await client.end();
  }
  return storages;
}

/** Runs SQL of faults, each in its schema. New objects belong to the owner of the schema. */
export async function damage(
  { url, owner, access }: StructuredModule,
  faults: readonly { schema: string; sql: string }[],
): Promise<void> {
  const client = await connect(url);
  try {
    for (const { schema, sql } of faults) {
      const text = sql
        .replaceAll('owner_of_schema', owner)
        .replaceAll('access_role', access)
        .replaceAll('SCHEMA current_schema', `SCHEMA "${schema}"`);
      await client.query(`SET search_path = "${schema}"`);
      const asOwner = /UPDATE pg_index/.test(text) ? '' : `SET ROLE ${owner};`;
      for (const statement of `${asOwner} ${text}; RESET ROLE`.split('; ')) await client.query(statement);
      // A finding of its own, ACCESS_GRANT_MISSING, where a new object lacks them.
      if (!/CREATE/.test(text)) continue;
      await client.query(`SET search_path = pg_catalog`);
      await client.query(accessSql(`"${schema}"`, access));
    }
  } finally {
    await client.end();
  }
}

/** "STRUCTURE_EXTRA function extra(n integer)", with the name of the schema left out. */
export function keyOf(
  { code, object }: Pick<StructuralFault, 'code' | 'object'>,
  { owner }: Pick<StructuredModule, 'owner'>,
): string {
  return `${code} ${object.replaceAll('owner_of_schema', owner)}`;
}
