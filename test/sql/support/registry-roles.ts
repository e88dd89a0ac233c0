import pg from 'pg';
import { inject } from 'vitest';
import { migrateRegistry } from '../../../src/database/migrations/migrate.js';
import { planRegistryGrants } from '../../../src/provisioning/storage/registry-grants.js';
import { queryOnce } from '../../database/support/temporary-databases.js';
import { createDatabase, type TestDatabase, uniqueName } from '../../setup/database.js';
import { createTwoTenants, type TwoTenants } from './two-tenants.js';

/** The three group roles belong to the whole server, and files run beside each other: one at a time creates them. */
const alone = `SELECT pg_advisory_xact_lock(hashtext('test/registry-roles'))`;

const onServer = (sql: string) => queryOnce(inject('postgresUrl'), sql);

function statementsFor(registry: Pick<TestDatabase, 'name'>): string[] {
  return planRegistryGrants({ server: 'here:5432', database: registry.name }).statements;
}

/** Creates the group roles as the printed statements do. */
async function createRegistryRoles(): Promise<void> {
  const creations = statementsFor({ name: 'postgres' }).filter((statement) => statement.startsWith('DO '));
  await onServer([alone, ...creations].join('; '));
}

/** Runs in this registry what `tenant-registry grants` prints for it, as an administrator would in psql. */
export async function grantRegistryRoles(registry: Pick<TestDatabase, 'name' | 'url'>): Promise<void> {
  await createRegistryRoles();
  await queryOnce(registry.url, statementsFor(registry).join('\n'));
}

/** A role with a login that is a member of these roles. It is dropped after the run. */
export async function aLogin(...memberOf: string[]): Promise<string> {
  const name = uniqueName('login');
  await onServer(
    [
      `CREATE ROLE ${name} LOGIN PASSWORD 'secret'`,
      ...memberOf.map((role) => `GRANT ${role} TO ${name}`),
    ].join('; '),
  );
  return name;
}

export function urlAs(login: string, { url }: Pick<TestDatabase, 'url'>): string {
  const target = new URL(url);
  target.username = login;
  target.password = 'secret';
  return target.href;
}

/** An empty database that belongs to a role without superuser. Its `url` is a superuser's. */
export async function createOwnedDatabase(): Promise<TestDatabase & { owner: string }> {
  const owner = await aLogin();
  const database = await createDatabase();
  await onServer(`ALTER DATABASE ${database.name} OWNER TO ${owner}`);
  return { ...database, owner };
}

/** A registry that its owner, which is no superuser, has migrated while the group roles existed. */
export async function createOwnedRegistry(): Promise<TestDatabase & { owner: string }> {
  await createRegistryRoles();
  const registry = await createOwnedDatabase();
  await migrateRegistry(urlAs(registry.owner, registry));
  await grantRegistryRoles(registry);
  return registry;
}

export const groupRoles = ['registry_service', 'registry_reader', 'registry_admin'];

/** A registry with two tenants, and a session of its owner, of a member of each group role, and of a superuser. */
export interface RoleSessions extends TwoTenants {
  registry: TestDatabase & { owner: string };
  /** `role` is "owner", "superuser" or a group role. */
  as(role: string): pg.Client;
  close(): Promise<void>;
}

export async function openRoleSessions(): Promise<RoleSessions> {
  const registry = await createOwnedRegistry();
  const tenants = await createTwoTenants(registry.url);
  const urls = new Map([
    ['superuser', registry.url],
    ['owner', urlAs(registry.owner, registry)],
  ]);
  for (const role of groupRoles) urls.set(role, urlAs(await aLogin(role), registry));
  const clients = new Map<string, pg.Client>();
  for (const [role, url] of urls) {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    clients.set(role, client);
  }
  return {
    registry,
    ...tenants,
    as(role) {
      const client = clients.get(role);
      if (!client) throw new Error(`there is no session of ${role}`);
      return client;
    },
    async close() {
      for (const client of clients.values()) await client.end();
      await registry.drop();
    },
  };
}

/** What the database says when it refuses; undefined when it does not. */
export function refusalOf(attempt: Promise<unknown>): Promise<string | undefined> {
  return attempt.then(
    () => undefined,
    (error: Error) => error.message,
  );
}
