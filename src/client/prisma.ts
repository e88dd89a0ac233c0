import { AsyncLocalStorage } from 'node:async_hooks';
import type { Entrance } from './entrance.js';
import { TenantRegistryError } from './error.js';
import type { TenantClient, TenantPool } from './pool.js';
import type { TenantRegistry } from './tenant-registry.js';
import { awaitAbort, type TransactionOptions } from './transaction.js';
import { Visit } from './visit.js';

/** The adapter of `@prisma/adapter-pg`: `PrismaPg`. */
export type PrismaPgClass<Pool, Adapter> = new (pool: Pool, options: { schema: string }) => Adapter;

/** A PrismaClient, as far as it is used here. */
export interface PrismaTransactions<Tx> {
  $transaction<T>(work: (tx: Tx) => Promise<T>, options?: { maxWait?: number; timeout?: number }): Promise<T>;
}

export interface PrismaOptions extends TransactionOptions {
  /** How long to wait for a connection, in milliseconds; Prisma's default is 2,000. */
  maxWait?: number;
  /** How long the whole transaction may take, in milliseconds; Prisma's default is 5,000. */
  timeout?: number;
}

/**
 * Prisma writes a schema before each table. This one stands for the tenant's and is taken out again, so that the path, which
 * the fence sets, says where the table is: one PrismaClient serves all tenants.
 */
const placeholder = 'tenant-registry: the schema of the tenant';

/** Somebody who is on the way into a tenant's schema, for the one transaction that is begun in this context. */
interface Entering {
  readonly entrance: Entrance;
  readonly options: TransactionOptions;
  isTaken: boolean;
  visit: Visit | undefined;
  entered(): void;
  /** What the fence, or else the database, has refused, as the driver said it. */
  failure: unknown;
}

const entering = new AsyncLocalStorage<Entering>();

/**
 * The driver adapter for a PrismaClient whose models are tables of tenants:
 * `new PrismaClient({ adapter: tenantAdapter(PrismaPg, pool) })`. It works inside `withTenant` alone: elsewhere it has no
 * tenant and refuses.
 */
export function tenantAdapter<Pool extends TenantPool, Adapter>(
  PrismaPg: PrismaPgClass<Pool, Adapter>,
  pool: Pool,
): Adapter {
  return new PrismaPg(fencePool(pool), { schema: placeholder });
}

/**
 * Runs the work in one interactive transaction of Prisma in which the tenant's tables are found and no others. Always by `tx`:
 * a call of the PrismaClient itself is refused, inside and outside.
 */
export async function withTenant<Tx, T>(
  registry: TenantRegistry,
  prisma: PrismaTransactions<Tx>,
  tenantId: string,
  work: (tx: Tx) => Promise<T>,
  options: PrismaOptions = {},
): Promise<T> {
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
        if (!own.visit) throw new Error('This PrismaClient goes past the fence: open it with tenantAdapter');
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

/** The connection of one transaction. Its begin and end are those of a visit; in between statements pass. */
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
    // The client of pg takes a statement with parameters, too.
    return (client as unknown as StatementClient).query({
      ...statement,
      text: text.replaceAll(`"${placeholder}".`, ''),
    });
  };
  return new Proxy(client, {
    get(target, property) {
      if (property === 'query') return query;
      // After its end this does nothing; before, nobody knows what the connection is at.
      if (property === 'release') return () => void visit.rollBack();
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

const nothing = { rows: [], fields: [], rowCount: 0 };
