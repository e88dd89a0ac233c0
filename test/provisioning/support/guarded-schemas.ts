import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { applyBinding, type BindingState } from '../../../src/provisioning/fence/binding.js';
import { installGuard } from '../../../src/provisioning/fence/guard.js';
import { queryOnce } from '../../database/support/temporary-databases.js';
import { createDatabase, uniqueName } from '../../setup/database.js';

/** A service database with a guard, a connection of the registry that writes bindings, and a role that may only enter and read. */
export interface GuardedDatabase extends AsyncDisposable {
  url: string;
  /** The registry's connection. */
  registry: pg.Client;
  /** The service's role. */
  role: string;
  /** A connection of the service. When it is terminated, its next query fails. */
  connect(): Promise<pg.Client>;
  /** Creates and binds a schema with one table and one row, "invoice of <tenant>". */
  addTenant(options?: { schema?: string; state?: BindingState }): Promise<GuardedTenant>;
  /** Applies a new state with the next revision. */
  bind(tenant: GuardedTenant, state: BindingState): Promise<void>;
}

export interface GuardedTenant {
  id: string;
  schema: string;
  generation: number;
}

export const guardedModule = 'finance';

export async function openGuardedDatabase(): Promise<GuardedDatabase> {
  const database = await createDatabase();
  const registry = await open(database.url);
  const role = uniqueName('service');
  await registry.query(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`);
  await installGuard(registry, role);
  const url = new URL(database.url);
  url.username = role;
  url.password = 'secret';
  const opened: pg.Client[] = [registry];
  let revision = 0n;

  async function bind({ id, schema, generation }: GuardedTenant, state: BindingState): Promise<void> {
    const owner = { tenantId: id, module: guardedModule };
    revision += 1n;
    const newState = { generation, state, epoch: 'one', revision, began: 0n };
    await applyBinding(registry, { schemaName: schema, owner }, async () => newState);
  }

  return {
    url: database.url,
    registry,
    role,
    bind,
    async connect() {
      const client = await open(url.href);
      opened.push(client);
      return client;
    },
    async addTenant({ schema = uniqueName('s'), state = 'active' } = {}) {
      const tenant = { id: randomUUID(), schema, generation: 3 };
      const name = pg.escapeIdentifier(schema);
      await registry.query(`
        CREATE SCHEMA IF NOT EXISTS ${name};
        CREATE TABLE ${name}.invoice AS SELECT 'invoice of ${tenant.id}' AS title;
        GRANT USAGE ON SCHEMA ${name} TO ${role};
        GRANT SELECT ON ${name}.invoice TO ${role}`);
      await bind(tenant, state);
      return tenant;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map((client) => client.end().catch(() => undefined)));
      await database.drop();
      const server = new URL(database.url);
      server.pathname = '/postgres';
      await queryOnce(server.href, `DROP ROLE ${role}`);
    },
  };
}

async function open(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** Enters as a service does, in one round trip. Lasts until the end of the transaction. */
export async function enter(
  client: pg.ClientBase,
  { id, schema, generation }: { id: string | null; schema: string | null; generation: number | null },
): Promise<string> {
  const { rows } = await client.query(
    `SELECT set_config('search_path', tenant_guard.enter($1, $2, $3), true) AS path`,
    [id, schema, generation],
  );
  return rows[0].path;
}

/** All invoices that are visible with the present search_path. */
export async function readInvoices(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ title: string }>('SELECT title FROM invoice');
  return rows.map(({ title }) => title);
}

export async function readSearchPath(client: pg.ClientBase): Promise<string> {
  return (await client.query('SHOW search_path')).rows[0].search_path;
}

/** SQLSTATE and code of a refusal, such as "TR002 TENANT_SUSPENDED"; "none" when the attempt succeeds. */
export async function refusalOf(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
    return 'none';
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    return `${error.code} ${/^([A-Z_]+): /.exec(error.message)?.[1] ?? error.message}`;
  }
}
