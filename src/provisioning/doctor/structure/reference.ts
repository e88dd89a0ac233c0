import { randomBytes } from 'node:crypto';
import type { ClientBase } from 'pg';
import { identifier } from '../../../database/identifier.js';
import type { DatabaseReference, ServiceDatabases } from '../../../database/service-databases.js';
import { requireOwnEventTriggers } from '../../fence/foreign-code.js';
import { runMigrations } from '../../storage/migration-run.js';
import type { ModuleMigration } from '../../storage/module-migrations.js';
import { asSchemaOwner, findModuleRoles, grantAccess } from '../../storage/module-role.js';
import type { Structure } from './compare-structure.js';
import type { Part } from './part.js';
import { readDigests, readParts } from './read-structure.js';

/** The structure that a list of files makes in an empty schema. */
export interface Reference extends Structure {
  digest: string;
}

interface ReferenceModule extends DatabaseReference {
  name: string;
}

/** The references of one run, each built once. */
export interface References {
  /** Rejects when the files cannot run in an empty schema of the module's database. */
  of(module: ReferenceModule, migrations: readonly ModuleMigration[]): Promise<Reference>;
}

export function createReferences(databases: ServiceDatabases): References {
  const built = new Map<string, Promise<Reference>>();
  return {
    of(module, migrations) {
      const files = migrations.map(({ name, checksum }) => [name, checksum]);
      const key = JSON.stringify([module.databaseRef, module.databaseName, module.name, files]);
      const reference = built.get(key) ?? buildReference(databases, module, migrations);
      built.set(key, reference);
      return reference;
    },
  };
}

/**
 * Runs the files as for a new tenant, in a schema whose transaction is rolled back: nobody else ever sees it, and nothing found in a
 * tenant's schema runs.
 */
function buildReference(
  databases: ServiceDatabases,
  module: ReferenceModule,
  migrations: readonly ModuleMigration[],
): Promise<Reference> {
  return databases.withConnection(module, async (client) => {
    await requireOwnEventTriggers(client);
    await client.query('BEGIN');
    try {
      return await readReference(client, module, migrations);
    } finally {
      await client.query('ROLLBACK');
    }
  });
}

async function readReference(
  client: ClientBase,
  module: ReferenceModule,
  migrations: readonly ModuleMigration[],
): Promise<Reference> {
  const roles = await findModuleRoles(client, module.name);
  // No text of the files holds this name by chance.
  const schema = `registry_reference_${randomBytes(8).toString('hex')}`;
  const authorization = roles.owner === undefined ? '' : ` AUTHORIZATION ${identifier(roles.owner)}`;
  await client.query(`CREATE SCHEMA ${identifier(schema)}${authorization}`);
  // They ran in the tenant's schema, maybe before there were rules for them.
  const ran = migrations.map((migration) => ({ ...migration, ranBefore: true }));
  await asSchemaOwner(client, schema, roles.owner, () => runMigrations(client, schema, ran, { isNew: true }));
  await grantAccess(client, schema, roles.access);
  const wanted = { schemas: [schema], access: roles.access };
  const digest = (await readDigests(client, wanted)).get(schema);
  if (digest === undefined) throw new Error('the structure that the files make could not be read');
  const parts: Part[] = [];
  await readParts(client, wanted, (_, read) => parts.push(...read));
  return { schema, parts, digest };
}
