import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { applyBinding, type BindingState } from '../../../src/provisioning/fence/binding.js';
import { installGuard } from '../../../src/provisioning/fence/guard.js';
import { queryOnce } from '../../database/support/temporary-databases.js';
import { createDatabase, uniqueName } from '../../setup/database.js';

/** A service database with a guard, the registry that writes its bindings, and a service that may do no more than enter and read. */
export interface GuardedDatabase extends AsyncDisposable {
  url: string;
  /** The registry's own connection. */
  registry: pg.Client;
  /** The service's role. */
  role: string;
  /** A connection of the service; one that is cut off says so in its next query only. */
  connect(): Promise<pg.Client>;
  /** A schema with one table and one row, "invoice of <tenant>", bound. */
  addTenant(options?: { schema?: string; state?: BindingState }): Promise<GuardedTenant>;
  /** Tells the guard of a new state, as of the next revision. */
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
    const told = { generation, state, epoch: 'one', revision };
    await applyBinding(registry, { schemaName: schema, owner }, async () => told);
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

/** Enters as a service does, in one round trip. Inside a transaction, or it ends with the statement. */
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

/** All invoices that the present path shows. */
export async function readInvoices(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ title: string }>('SELECT title FROM invoice');
  return rows.map(({ title }) => title);
}

export async function readSearchPath(client: pg.ClientBase): Promise<string> {
  return (await client.query('SHOW search_path')).rows[0].search_path;
}

/** SQLSTATE of a failure and the code that its message begins with: "TR002 TENANT_SUSPENDED"; "none" when there is none. */
export async function refusalOf(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
    return 'none';
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    return `${error.code} ${/^([A-Z_]+): /.exec(error.message)?.[1] ?? error.message}`;
  }
}
