import { randomUUID } from 'node:crypto';
import { isCode, TenantRegistryError } from '../error.js';
import type { Gateways } from '../gateways/gateways.js';
import { errorsOf, GatewayFailure, type Transport } from '../gateways/http.js';
import type { RecordUsagesMutation, UsageRecordInput } from '../generated/operations.js';
import type { TenantUsage, UsageRecord } from './usage.js';

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
  record({ tenantId, metric, amount, idempotencyKey = randomUUID() }: UsageRecord): Promise<TenantUsage> {
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
      // One record made the gateway refuse all of them, and none was counted. One half after the other, in the order of the calls.
      if (batch.length > 1 && isOfTheBatch(error)) {
        const middle = Math.ceil(batch.length / 2);
        await this.#send(batch.slice(0, middle));
        await this.#send(batch.slice(middle));
      } else for (const { reject } of batch) reject(error);
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

/** Whether a gateway refused a request for what is in it, or for its size, so that a part of it may be accepted. */
function isOfTheBatch(error: unknown): boolean {
  return (
    error instanceof TenantRegistryError &&
    (error.code === 'VALIDATION_ERROR' || error.code === 'QUERY_TOO_COMPLEX')
  );
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
