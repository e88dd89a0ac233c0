import type { RegistryDatabase } from '../../database/registry-database.js';
import type { DatabaseReference, ServiceDatabases } from '../../database/service-databases.js';
import { reasonOf } from '../../urls/network-failure.js';
import { within } from '../../within.js';

/** A module, and why its database cannot be used; undefined: it can. */
export interface ModuleState {
  name: string;
  reason: string | undefined;
}

interface Probe {
  startedAt: number;
  /** Undefined while the first connection is under way. */
  reason: string | undefined;
  isRunning: boolean;
}

/** How long the result of a connection counts, in milliseconds. */
const probeEveryMs = 10_000;
/** How long an answer waits for a connection; a later result is in the next answer. */
const probeWaitMs = 500;
const probeTimeoutMs = 5_000;

/** Tells of each module whether its database answers. A database that hangs costs one connection attempt in 10 s, whoever asks. */
export class ModuleReach {
  readonly #registry: RegistryDatabase;
  readonly #serviceDatabases: ServiceDatabases;
  readonly #probes = new Map<string, Probe>();

  constructor(registry: RegistryDatabase, serviceDatabases: ServiceDatabases) {
    this.#registry = registry;
    this.#serviceDatabases = serviceDatabases;
  }

  /** All modules by name. Throws when the registry cannot be read. */
  async listModules(): Promise<ModuleState[]> {
    const { rows } = await this.#registry.pool.query<{ name: string } & DatabaseReference>(
      'SELECT name, database_ref AS "databaseRef", database_name AS "databaseName" FROM modules ORDER BY name',
    );
    return Promise.all(
      rows.map(async ({ name, ...reference }) => ({ name, reason: await this.#findReason(reference) })),
    );
  }

  async #findReason(reference: DatabaseReference): Promise<string | undefined> {
    const { databaseRef } = reference;
    const known = this.#serviceDatabases.findProblem(databaseRef);
    // An embedded database is on the registry's own server, and is created when it is needed.
    if (known !== undefined || this.#serviceDatabases.configuredName(databaseRef) === undefined) return known;
    const probe = this.#probes.get(databaseRef);
    const isDue = !probe || performance.now() - probe.startedAt >= probeEveryMs;
    if (isDue && !probe?.isRunning)
      await within(probeWaitMs, this.#probe(reference, probe?.reason), () => undefined);
    return this.#probes.get(databaseRef)?.reason;
  }

  /** Until it has ended, the reason of before counts. */
  async #probe(reference: DatabaseReference, before: string | undefined): Promise<void> {
    const probe: Probe = { startedAt: performance.now(), reason: before, isRunning: true };
    this.#probes.set(reference.databaseRef, probe);
    // Work that uses all connections shows that the database can be reached.
    if (this.#serviceDatabases.isBusy(reference)) probe.reason = undefined;
    else probe.reason = await this.#connect(reference);
    probe.isRunning = false;
  }

  async #connect(reference: DatabaseReference): Promise<string | undefined> {
    const answer = this.#serviceDatabases.withConnection(reference, (client) => client.query('SELECT 1'));
    try {
      return await within(
        probeTimeoutMs,
        answer.then(() => undefined),
        () => `the database in ${reference.databaseRef} does not answer within ${probeTimeoutMs} ms`,
      );
    } catch (error) {
      return `the database in ${reference.databaseRef} cannot be used: ${reasonOf(error)}`;
    }
  }
}
