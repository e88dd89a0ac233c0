import type { Client } from 'pg';
import { pinSqlOf } from '../../../database/connections/database-client.js';
import type { DatabaseReference, ServiceDatabases } from '../../../database/service-databases.js';
import { forgetStatements } from '../../../database/statements/batch.js';
import {
  Attempt,
  type MigrationSettings,
  migrateTenant,
  type PassingFailure,
  type QueuedTenant,
  type TenantOutcome,
} from '../tenants/migrate-tenant.js';
import { releasingSql, sessionName } from '../tenants/storage-state.js';

/** The name by which sessions that have lost their process are found. */
const naming = `SET application_name = '${sessionName}'`;

/**
 * The connections of a rollout to the server of its module: as many as it migrates tenants at the same time. They are its own, so that
 * provisioning never waits for them.
 */
export class Lanes implements AsyncDisposable {
  readonly #databases: ServiceDatabases;
  readonly #module: DatabaseReference & { name: string };
  readonly #settings: MigrationSettings;
  readonly #free: Client[] = [];
  readonly #all = new Set<Client>();

  constructor(
    databases: ServiceDatabases,
    module: DatabaseReference & { name: string },
    settings: MigrationSettings,
  ) {
    this.#databases = databases;
    this.#module = module;
    this.#settings = settings;
  }

  async migrate(tenant: QueuedTenant): Promise<TenantOutcome | PassingFailure> {
    const { name, ...reference } = this.#module;
    const { tenantId, generation: _, ...place } = tenant;
    const { isolation, databaseName } = place;
    const location = { owner: { tenantId, module: name }, reference, ...place };
    const attempt = new Attempt();
    let moduleClient: Client | undefined;
    let client: Client | undefined;
    try {
      moduleClient = this.#free.pop() ?? (await this.#open(undefined));
      // Isolation DATABASE: the schema is in a database of the tenant's own.
      client = isolation === 'DATABASE' ? await this.#open(databaseName) : moduleClient;
      return await migrateTenant({ moduleClient, client }, location, this.#settings, attempt);
    } catch (error) {
      return attempt.fail(error);
    } finally {
      if (client && client !== moduleClient) await this.#end(client);
      if (moduleClient) await this.#reset(moduleClient, attempt);
    }
  }

  async #open(database: string | undefined): Promise<Client> {
    const client = await this.#databases.connect(this.#module, database);
    this.#all.add(client);
    await client.query(naming);
    return client;
  }

  /** Releases the lock of the storage, and whatever else a file may have left in the session. */
  async #reset(client: Client, { isPlain, holdsLockIn }: Attempt): Promise<void> {
    try {
      if (isPlain && holdsLockIn) await client.query(releasingSql);
      else if (!isPlain) {
        await client.query('DISCARD ALL');
        forgetStatements(client);
        await client.query(pinSqlOf(client));
        await client.query(naming);
      }
      this.#free.push(client);
    } catch {
      // The next tenant gets another connection.
      await this.#end(client);
    }
  }

  async #end(client: Client): Promise<void> {
    this.#all.delete(client);
    await client.end().catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#all].map((client) => this.#end(client)));
  }
}
