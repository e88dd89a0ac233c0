import { randomUUID } from 'node:crypto';
import { isCode, TenantRegistryError } from './error.js';
import type { Gateways } from './gateways.js';
import type { RecordUsagesMutation, UsageRecordInput } from './generated/operations.js';
import { errorsOf, GatewayFailure, type Transport } from './http.js';

export type UsageMetric = UsageRecordInput['metric'];

/** Usage of one metric by a tenant. */
export interface TenantUsage {
  metric: UsageMetric;
  used: number;
  limit: number;
  remaining: number;
  /** Start and end of the month in the time zone of the tenant; null for a metric without periods. */
  periodStart: Date | null;
  periodEnd: Date | null;
  /** true when the record had been counted before under its idempotency key. */
  isRepeated: boolean;
}

export interface RecordUsageOptions {
  /**
   * Text that names what is counted, such as the id of a quote. A second call with the same key within 24 hours is not counted again.
   * Without it, only the repetitions that the client makes itself are recognised.
   */
  idempotencyKey?: string;
}

interface UsageOptions {
  gateways: Gateways;
  transport: Transport;
  timeoutMs: number;
  patienceMs: () => number;
}

interface Waiting {
  record: UsageRecordInput;
  resolve: (usage: TenantUsage) => void;
  reject: (error: unknown) => void;
}

/** The gateway's limit of records per request. */
const maxRecords = 500;

/** Maximum number of concurrent requests; further records wait for the next one. */
const maxRequests = 4;

const recordUsages = /* GraphQL */ `
  mutation RecordUsages($records: [UsageRecordInput!]!) {
    recordUsages(input: { records: $records }) {
      results {
        ... on UsageRecorded { isRepeated usage { metric used limit remaining periodStart periodEnd } }
        ... on UsageRefused { code message }
      }
    }
  }
`;

type Result = NonNullable<RecordUsagesMutation['recordUsages']>['results'][number];

/** Sends records of usage to gateways, many per request. Every record has a key, so a request that failed may be sent again. */
export class UsageSender {
  readonly #options: UsageOptions;
  #waiting: Waiting[] = [];
  #requests = 0;
  #isScheduled = false;

  constructor(options: UsageOptions) {
    this.#options = options;
  }

  /** Resolves when the registry has counted the record. Throws TenantRegistryError, such as QUOTA_EXCEEDED. */
  record(
    tenantId: string,
    metric: UsageMetric,
    amount: number,
    { idempotencyKey = randomUUID() }: RecordUsageOptions = {},
  ): Promise<TenantUsage> {
    if (!Number.isFinite(amount))
      throw new TenantRegistryError('VALIDATION_ERROR', `amount: must be a number, not ${amount}`);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ record: { tenantId, metric, amount, idempotencyKey }, resolve, reject });
      this.#schedule();
    });
  }

  /** Runs after all records of this turn of the event loop have been collected. */
  #schedule(): void {
    if (this.#isScheduled || this.#waiting.length === 0 || this.#requests >= maxRequests) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#requests++;
      this.#send(this.#waiting.splice(0, maxRecords)).finally(() => {
        this.#requests--;
        this.#schedule();
      });
      this.#schedule();
    });
  }

  async #send(batch: readonly Waiting[]): Promise<void> {
    const { gateways, patienceMs } = this.#options;
    try {
      const results = await gateways.ask(({ url }) => this.#ask(url, batch), patienceMs());
      for (const [at, { resolve, reject }] of batch.entries()) {
        const result = results[at] as Result;
        if ('code' in result) reject(new TenantRegistryError(result.code, result.message));
        else resolve(readUsage(result));
      }
    } catch (error) {
      // The form of one record made the gateway refuse all of them, and none was counted.
      const isForm = error instanceof TenantRegistryError && error.code === 'VALIDATION_ERROR';
      if (isForm && batch.length > 1) await Promise.all(batch.map((one) => this.#send([one])));
      else for (const { reject } of batch) reject(error);
    }
  }

  async #ask(url: string, batch: readonly Waiting[]): Promise<readonly Result[]> {
    const { transport, timeoutMs } = this.#options;
    const variables = { records: batch.map(({ record }) => record) };
    const body = await transport.post(`${url}/graphql`, { query: recordUsages, variables }, { timeoutMs });
    const [error] = errorsOf(body);
    if (error && isCode(error.code) && error.code !== 'REGISTRY_UNAVAILABLE')
      throw new TenantRegistryError(error.code, error.message);
    if (error) throw new GatewayFailure(`${url}: ${error.message}`);
    const results = (body as { data?: RecordUsagesMutation }).data?.recordUsages?.results;
    if (results?.length !== batch.length) throw new GatewayFailure(`${url} sent an unexpected response`);
    return results;
  }
}

function readUsage({ usage, isRepeated }: Exclude<Result, { code: unknown }>): TenantUsage {
  const { periodStart, periodEnd, ...numbers } = usage;
  return {
    ...numbers,
    periodStart: readDate(periodStart),
    periodEnd: readDate(periodEnd),
    isRepeated,
  };
}

function readDate(text: string | null): Date | null {
  return text === null ? null : new Date(text);
}
