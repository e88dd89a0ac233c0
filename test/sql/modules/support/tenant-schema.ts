import pg from 'pg';
import { inTransaction } from '../../../../src/database/statements/in-transaction.js';
import { runMigrations } from '../../../../src/provisioning/storage/migration-run.js';
import { readModuleMigrations } from '../../../../src/provisioning/storage/module-migrations.js';
import { createDatabase } from '../../../setup/database.js';

/** One tenant's schema in a database of its own, made with the provisioner's migrations. */
export interface TenantSchema {
  name: string;
  /** A session of the module's service: its search_path is the schema alone. */
  connect(): Promise<pg.Client>;
  close(): Promise<void>;
}

export const modulesDir = new URL('../../../../modules', import.meta.url).pathname;

export async function openTenantSchema(module: string): Promise<TenantSchema> {
  const database = await createDatabase();
  const name = 'acme';
  const clients: pg.Client[] = [];
  const connect = async () => {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    clients.push(client);
    await client.query(`SET search_path = ${name}; SET timezone = 'UTC'`);
    return client;
  };
  const close = async () => {
    for (const client of clients) await client.end();
    await database.drop();
  };
  try {
    const client = await connect();
    await inTransaction(client, () => makeTenantSchema(client, module, name));
  } catch (error) {
    await close();
    throw error;
  }
  return { name, connect, close };
}

/** Inside the caller's transaction. Leaves the search_path at the new schema until the transaction ends. */
export async function makeTenantSchema(client: pg.ClientBase, module: string, name: string): Promise<void> {
  // A module without files of its own has those of _every alone.
  const folder = module === '_every' ? 'no such folder' : module;
  const migrations = await readModuleMigrations(modulesDir, folder);
  await client.query(`CREATE SCHEMA ${name}`);
  await runMigrations(client, name, migrations, { isNew: true });
  await client.query(`SET LOCAL search_path = ${name}`);
}
