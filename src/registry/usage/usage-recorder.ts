import { AsyncResource } from 'node:async_hooks';
import { forEachAtOnce } from '../../at-once.js';
import type { RegistryDatabase } from '../../database/registry-database.js';
import { type ErrorCode, RegistryError } from '../../errors.js';
import { asRegistryError, isKeptWaiting, retryCollisions } from '../database-failure.js';
import { type Metric, readUsage, type Usage } from './usage.js';

interface UsageRecord {
  /** Id or slug, as the caller gave it. */
  tenantId: string;
  metric: Metric;
  amount: number;
  idempotencyKey?: string | undefined;
}

export interface RecordedUsage {
  tenantId: string;
  usage: Usage;
  /** Whether the record was counted before, under the same idempotency key. */
  isRepeated: boolean;
}

interface Waiting {
  record: UsageRecord;
  actor: string;
  resolve: (answer: RecordedUsage | UsageRefusal) => void;
  reject: (error: unknown) => void;
}

/** A refusal, with the usage that led to it where the tenant was found. */
export class UsageRefusal extends RegistryError {
  readonly usage: Usage | undefined;

  constructor(row: { code: ErrorCode; message: string; field: string | null }, usage: Usage | undefined) {
    const fields = row.field === null ? [] : [{ field: row.field, message: row.message }];
    super(row.code, row.message, { fields });
    this.usage = usage;
  }
}

/** Records in one statement: each of them is a few index reads, and the locks of all are held until the commit. */
const maxRecords = 500;

/** Statements at a time. While they run, further records wait and share the next one: thousands of callers need two connections. */
const maxStatements = 2;

/** Statements at a time for the tenants of one that has waited in vain for a lock. */
const maxStatementsApart = 4;

/** Records usage, or only asks what would happen. The records of all requests of a process share statements. */
class UsageRecorder {
  readonly #database: Pick<RegistryDatabase, 'query'>;
  readonly #onlyAsks: boolean;
  #waiting: Waiting[] = [];
  #statements = 0;
  #isScheduled = false;
  /** A statement belongs to many requests, so it must not be cancelled with that of the request which made it due. */
  readonly #inOwnContext = AsyncResource.bind((work: () => void) => work());

  constructor(database: Pick<RegistryDatabase, 'query'>, { onlyAsks }: { onlyAsks: boolean }) {
    this.#database = database;
    this.#onlyAsks = onlyAsks;
  }

  /** Resolves when the record is committed, or with its refusal. Rejects when the database does not answer. */
  record(actor: string, record: UsageRecord): Promise<RecordedUsage | UsageRefusal> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ record, actor, resolve, reject });
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#isScheduled || this.#waiting.length === 0 || this.#statements >= maxStatements) return;
    this.#isScheduled = true;
    // Collects what the same turn of the event loop brings.
    this.#inOwnContext(() => {
      setImmediate(() => {
        this.#isScheduled = false;
        this.#statements++;
        void this.#send(this.#waiting.splice(0, maxRecords)).finally(() => {
          this.#statements--;
          this.#schedule();
        });
        this.#schedule();
      });
    });
  }

  async #send(batch: readonly Waiting[]): Promise<void> {
    const records = batch.map(({ record }) => record);
    const values = [
      records.map(({ tenantId }) => tenantId),
      records.map(({ metric }) => metric.toLowerCase()),
      records.map(({ amount }) => amount),
      records.map(({ idempotencyKey }) => idempotencyKey ?? null),
      batch.map(({ actor }) => actor),
      this.#onlyAsks,
    ];
    try {
      const { rows } = await retryCollisions(() =>
        this.#database.query('SELECT * FROM registry_record_usage($1, $2, $3, $4, $5, $6)', values),
      );
      for (const row of rows) batch[row.ordinal - 1]?.resolve(readAnswer(row));
    } catch (error) {
      const tenants = byTenant(batch);
      // Nothing was recorded. Apart, only the records of a tenant that another session has locked wait for it.
      if (isKeptWaiting(error) && tenants.length > 1)
        await forEachAtOnce(tenants, maxStatementsApart, (records) => this.#send(records));
      else for (const { reject } of batch) reject(asRegistryError(error) ?? error);
    }
  }
}

function byTenant(batch: readonly Waiting[]): Waiting[][] {
  const groups = new Map<string, Waiting[]>();
  for (const waiting of batch) {
    const { tenantId } = waiting.record;
    const group = groups.get(tenantId);
    if (group) group.push(waiting);
    else groups.set(tenantId, [waiting]);
  }
  return [...groups.values()];
}

// biome-ignore lint/suspicious/noExplicitAny: the columns are those of registry_record_usage, as in QueryResult of the driver
function readAnswer(row: any): RecordedUsage | UsageRefusal {
  const usage = row.used === null ? undefined : readUsage(row);
  if (row.code !== null) return new UsageRefusal(row, usage);
  if (!usage) throw new Error('registry_record_usage answered neither usage nor a refusal');
  return { tenantId: row.tenant_id, usage, isRepeated: row.is_repeated };
}

interface Recorders {
  recorder: UsageRecorder;
  asker: UsageRecorder;
}

const recorders = new WeakMap<object, Recorders>();

/** The recorders of a process, which all its requests share. */
export function recordersOf(database: RegistryDatabase): Recorders {
  const known = recorders.get(database);
  if (known) return known;
  const made = {
    recorder: new UsageRecorder(database, { onlyAsks: false }),
    asker: new UsageRecorder(database, { onlyAsks: true }),
  };
  recorders.set(database, made);
  return made;
}
