/**
 * Transactions of many tenants over few connections with the faults of a service's life: errors, savepoints,
 * timeouts, aborted requests, cancelled statements, lost connections, suspended tenants. Free of vitest, since
 * bench/ runs it for longer.
 */
import pg from 'pg';
import type { TenantRegistry } from '../../../src/client/index.js';
import { createChance } from '../../protocol/support/virtual-time.js';
import type { TestGateway } from '../../setup/gateway.js';
import type { StoryTenant } from '../../setup/stories.js';
import { watchConnections } from './hammer-connections.js';
import { Ledger } from './hammer-ledger.js';
import { attack, drawTrouble, type Ending, endingOf } from './hammer-trouble.js';
import { doWork, type WorkContext } from './hammer-work.js';
import { startSuspending } from './suspending-administrator.js';

export interface HammerOptions {
  registry: TenantRegistry;
  gateway: Pick<TestGateway, 'ask'>;
  /** Tenants with storage in finance. */
  tenants: readonly StoryTenant[];
  /** The URL of the pool: the database itself or a PgBouncer in front of it. */
  url: string;
  /** The URL of the database itself. */
  databaseUrl: string;
  /** Maximum number of connections of the pool. */
  poolSize: number;
  /** Number of server connections that they share. */
  serverConnections: number;
  transactions: number;
  seed: number;
}

export interface HammerReport {
  transactions: number;
  endings: Partial<Record<Ending, number>>;
  seconds: number;
  /** Number of inspections of returned connections. */
  looks: number;
  /** Number of different server connections inspected at the end. */
  connections: number;
  /** Rows of another tenant, read or written. */
  wrongRows: string[];
  /** State that returned connections had kept. */
  unsafeConnections: string[];
  /** Transactions whose rows differ from the outcome that the caller saw. */
  torn: string[];
  /** Work that ran while its tenant was suspended, and errors without an explanation. */
  surprises: string[];
}

/** Transactions at a time per connection; above 1, so that some wait for a connection. */
const lanesPerConnection = 1.6;
/** Share of the transactions that use a suspended tenant, when there is one. */
const suspendedShare = 0.03;

export async function hammer(options: HammerOptions): Promise<HammerReport> {
  const { registry, tenants, seed } = options;
  const startedAt = performance.now();
  const pool = openPool(options.url, options.poolSize);
  const administrator = openPool(options.databaseUrl, 2);
  const suspending = startSuspending(options.gateway, tenants, createChance(seed));
  const wrongRows: string[] = [];
  const unsafeConnections: string[] = [];
  const surprises: string[] = [];
  const watch = watchConnections(pool, (what) => void unsafeConnections.push(what));
  const ledger = new Ledger();
  const endings: HammerReport['endings'] = {};
  const attacks: Promise<unknown>[] = [];

  async function transact(number: number): Promise<void> {
    // A generator per transaction makes its steps independent of the order in which transactions run.
    const chance = createChance(seed + number * 7919);
    const trouble = drawTrouble(chance);
    const drawn = chance.pick(tenants);
    const suspension = chance.happens(suspendedShare) ? suspending.current : undefined;
    const { id, slug } = suspension?.tenant ?? drawn;
    const other = chance.pick(tenants.filter((tenant) => tenant.slug !== slug));
    const entry = { slug, number, written: 0, isCommitted: false as boolean | undefined };
    const work = async (tx: pg.PoolClient) => {
      if (suspension && suspension === suspending.current)
        surprises.push(`${slug} was entered while suspended`);
      ledger.enter(entry);
      if (trouble.attack) attacks.push((await attack(administrator, tx, trouble.attack)).over);
      const context: WorkContext = {
        ...{ tx, chance, entry, isElsewhere: false, otherSchema: `finance_${other.slug}` },
        wrong: (what) => void wrongRows.push(what),
      };
      await doWork(context);
    };
    let ending: Ending | undefined = 'committed';
    try {
      await registry.withTenant(watch, id, work, trouble.options);
    } catch (error) {
      ending = endingOf(error);
      if (!ending) surprises.push(`${slug} ${number}: ${error}`);
    }
    entry.isCommitted = ending === 'connection lost' || !ending ? undefined : ending === 'committed';
    if (ending) endings[ending] = (endings[ending] ?? 0) + 1;
  }

  let begun = 0;
  const drive = async () => {
    while (begun < options.transactions) await transact(begun++);
  };
  try {
    const lanes = Math.ceil(options.poolSize * lanesPerConnection);
    await Promise.all(Array.from({ length: lanes }, drive));
    await Promise.all(attacks);
    const connections = await watch.lookAtAll(options.serverConnections);
    const found = await ledger.compare(administrator, tenants);
    return {
      ...{ transactions: begun, endings, connections, looks: watch.looks },
      ...{ unsafeConnections, wrongRows: [...wrongRows, ...found.foreign], torn: found.torn },
      surprises: [...surprises, ...(await suspending.stop())],
      seconds: (performance.now() - startedAt) / 1_000,
    };
  } finally {
    await suspending.stop();
    await Promise.all([pool.end(), administrator.end()]);
  }
}

function openPool(url: string, max: number): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max });
  // Ignores the loss of idle connections.
  pool.on('error', () => undefined);
  return pool;
}
