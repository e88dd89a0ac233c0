import { AsyncLocalStorage } from 'node:async_hooks';
import { TenantRegistryError } from './error.js';
import { type Checks, checkOptions, isNumberFrom } from './option-check.js';
import type { TenantRegistry } from './tenant-registry.js';
import type { Entrance } from './transactions/entrance.js';
import type { TenantClient, TenantPool } from './transactions/pool.js';
import { awaitAbort, type TransactionOptions, transactionChecks } from './transactions/transaction.js';
import { Visit } from './transactions/visit.js';

/** The adapter class `PrismaPg` of `@prisma/adapter-pg`. */
export type PrismaPgClass<Pool, Adapter> = new (pool: Pool, options: { schema: string }) => Adapter;

/** The part of a PrismaClient that is used. */
export interface PrismaTransactions<Tx> {
  $transaction<T>(work: (tx: Tx) => Promise<T>, options?: { maxWait?: number; timeout?: number }): Promise<T>;
}

export interface PrismaOptions extends TransactionOptions {
  /** How long to wait for a connection, in milliseconds; Prisma's default is 2,000. */
  maxWait?: number | undefined;
  /** Maximum duration of the transaction, in milliseconds; Prisma's default is 5,000. */
  timeout?: number | undefined;
}

const checks: Checks<PrismaOptions> = {
  ...transactionChecks,
  maxWait: isNumberFrom(0, Number.POSITIVE_INFINITY),
  timeout: isNumberFrom(0, Number.POSITIVE_INFINITY),
};

/**
 * Prisma writes a schema name before each table. This placeholder is removed again, so that the search_path set by
 * the fence selects the schema and one PrismaClient serves all tenants.
 */
const placeholder = 'tenant-registry: the schema of the tenant';

/** The entry into a tenant's schema for the transaction that begins in this async context. */
interface Entering {
  readonly entrance: Entrance;
  readonly options: TransactionOptions;
  isTaken: boolean;
  visit: Visit | undefined;
  entered(): void;
  /** The refusal of the fence or the database, as the driver reported it. */
  failure: unknown;
}

const entering = new AsyncLocalStorage<Entering>();

/**
 * The driver adapter for a PrismaClient whose models are tables of tenants: `new PrismaClient({ adapter:
 * tenantAdapter(PrismaPg, pool) })`. It works only inside `withTenant`; elsewhere there is no tenant and it refuses.
 */
export function tenantAdapter<Pool extends TenantPool, Adapter>(
  PrismaPg: PrismaPgClass<Pool, Adapter>,
  pool: Pool,
): Adapter {
  return new PrismaPg(fencePool(pool), { schema: placeholder });
}

/**
 * Runs the work in one interactive transaction in which only the tenant's tables are visible. Use `tx` for every
 * query: calls of the PrismaClient itself are refused, inside and outside.
 */
export async function withTenant<Tx, T>(
  registry: TenantRegistry,
  prisma: PrismaTransactions<Tx>,
  tenantId: string,
  work: (tx: Tx) => Promise<T>,
  options: PrismaOptions = {},
): Promise<T> {
  checkOptions('withTenant', options, checks);
  const { maxWait, timeout } = options;
  const limits = { ...(maxWait !== undefined && { maxWait }), ...(timeout !== undefined && { timeout }) };
  return registry.enter(tenantId, async (entrance, entered) => {
    if (entrance.route.isolation === 'DATABASE')
      throw new TenantRegistryError(
        'VALIDATION_ERROR',
        `Database ${entrance.route.databaseName} is the tenant's own: a PrismaClient is for one database`,
      );
    const abortion = awaitAbort(options.signal);
    const own: Entering = {
      entrance,
      options,
      entered,
      isTaken: false,
      visit: undefined,
      failure: undefined,
    };
    try {
      const workInside = (tx: Tx) => {
        if (!own.visit) throw new Error('This PrismaClient bypasses the fence: create it with tenantAdapter');
        return work(tx);
      };
      const transaction = entering.run(own, () => prisma.$transaction(workInside, limits));
      return await Promise.race([transaction, abortion.happened]);
    } catch (error) {
      if (abortion.hasHappened) own.visit?.giveUp();
      throw own.failure ?? error;
    } finally {
      abortion.ignore();
    }
  });
}

function fencePool<Pool extends TenantPool>(pool: Pool): Pool {
  return new Proxy(pool, {
    get(target, property) {
      if (property === 'query') return refuse;
      if (property === 'connect') return () => connect(target);
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

async function refuse(): Promise<never> {
  throw new Error('This PrismaClient has no tenant here: use the tx of withTenant');
}

async function connect(pool: TenantPool): Promise<TenantClient> {
  const own = entering.getStore();
  if (!own || own.isTaken) return refuse();
  own.isTaken = true;
  return fenceClient(await pool.connect(), own);
}

interface Statement {
  text: string;
}

interface StatementClient {
  query(statement: Statement): Promise<unknown>;
}

/** The connection of one transaction. A visit begins and ends it; statements pass through unchanged. */
function fenceClient(client: TenantClient, own: Entering): TenantClient {
  const visit = new Visit(client);
  own.visit = visit;
  let isInside = false;
  const query = async (statement: Statement): Promise<unknown> => {
    const { text } = statement;
    if (!isInside && text === 'BEGIN') {
      await visit.begin(own.entrance, own.options).catch((error) => {
        own.failure = error;
        throw error;
      });
      isInside = true;
      own.entered();
      return nothing;
    }
    if (!isInside || visit.isOver) return refuse();
    if (text === 'COMMIT') {
      isInside = false;
      await visit.commit();
      return nothing;
    }
    if (text === 'ROLLBACK') {
      isInside = false;
      await visit.rollBack();
      return nothing;
    }
    // The client of `pg` also accepts a statement with parameters.
    return (client as unknown as StatementClient).query({
      ...statement,
      text: text.replaceAll(`"${placeholder}".`, ''),
    });
  };
  return new Proxy(client, {
    get(target, property) {
      if (property === 'query') return query;
      // After the end this does nothing; before it, the state of the connection is unknown.
      if (property === 'release') return () => void visit.rollBack();
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

const nothing = { rows: [], fields: [], rowCount: 0 };
