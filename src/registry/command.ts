import { createHash } from 'node:crypto';
import type { Pool } from 'pg';
import type { Caller } from '../auth/caller.js';
import type { RegistryDatabase, Transaction } from '../database/registry-database.js';
import type { ServiceDatabases } from '../database/service-databases.js';
import type { Statement } from '../database/statements/batch.js';
import { RegistryError } from '../errors.js';
import type { WaitFor } from '../feed/acknowledge.js';
import type { Log } from '../log.js';
import { tracing } from '../tracing/tracing.js';
import { asRegistryError, retryCollisions } from './database-failure.js';
import { readRevision } from './revision.js';
import type { ConfigRules } from './values/config-rules.js';

/** The caller of a command and the resources that commands use. */
export interface CommandContext {
  caller: Caller;
  /** Id of the request that the command belongs to, for the audit log; undefined where there is none. */
  requestId?: string | undefined;
  database: RegistryDatabase;
  serviceDatabases: ServiceDatabases;
  /** Folder with one folder of SQL migrations per module. */
  modulesDir: string;
  configRules: ConfigRules;
  /** Resolves when no gateway answers from an older revision any more, at the latest after the staleness bound. */
  acknowledge: (committed: { epoch: string; revision: bigint; waitFor: WaitFor }) => Promise<void>;
  /** Runs an operation. Resolves with the revision of its end, or with undefined when it continues later or elsewhere. */
  runOperation: (operationId: string, wait?: WaitFor) => Promise<string | undefined>;
  /** Called when this process has ended an operation. */
  onOperationEnd?: ((operation: { kind: string; status: string; seconds: number }) => void) | undefined;
  /** The staleness bound, in milliseconds: no command waits longer for gateways or guards. */
  stalenessMs: number;
  /** See Config. */
  apiKeyLifetimeDays: number;
  tokenKeyLifetimeDays: number;
  log: Log;
}

/** Input fields that every command has. */
export interface CommandInput {
  idempotencyKey?: string | undefined;
  wait?: WaitFor | undefined;
}

/** The result of a command: ids as plain JSON, because it is stored for repeated requests with the same idempotency key. */
export type CommandResult = { [key: string]: string | number | boolean | null };

export type Committed<T> = T & {
  /** The registry's revision that includes this change. */
  revision: string;
  /** Whether this is the stored result of an earlier request with the same idempotency key. */
  repeated: boolean;
};

export interface CommandOptions<T> {
  waitFor?: WaitFor | undefined;
  /** Work to do before the answer, while the command waits for the gateways. */
  meanwhile?: ((committed: Committed<T>, waitFor: WaitFor) => Promise<void>) | undefined;
  /**
   * Idempotency key of the request that started the operation which this command ends. A repeat of that request then gets this
   * revision, as the first answer did, and not the revision of the start, at which the result could not be read yet.
   */
  startedByKey?: string | undefined;
}

/** How long idempotency keys are kept, in hours. */
const idempotencyHours = 24;

/**
 * Runs a command in one READ COMMITTED transaction with the actor and the request set. Its last message checks the deferred constraints,
 * reads the head and commits: so constraint errors get their code, the revision is the command's own, and the head row is the last lock taken.
 * Resolves when the gateways have acknowledged the revision, as far as `wait` asks for it.
 */
export async function runCommand<T extends CommandResult>(
  context: CommandContext,
  name: string,
  input: CommandInput,
  work: (tx: Transaction) => Promise<T>,
  options: CommandOptions<T> = {},
): Promise<Committed<T>> {
  if (!tracing) return run(context, name, input, work, options);
  return tracing.within(`command ${name}`, {}, () => run(context, name, input, work, options));
}

async function run<T extends CommandResult>(
  context: CommandContext,
  name: string,
  input: CommandInput,
  work: (tx: Transaction) => Promise<T>,
  options: CommandOptions<T>,
): Promise<Committed<T>> {
  const committed = await commit(context, name, input, work, options.startedByKey);
  const { epoch, number } = readRevision(committed.revision);
  const waitFor = options.waitFor ?? input.wait ?? 'GATEWAYS';
  await Promise.all([
    context.acknowledge({ epoch, revision: number, waitFor }),
    options.meanwhile?.(committed, waitFor),
  ]);
  return committed;
}

async function commit<T extends CommandResult>(
  context: CommandContext,
  name: string,
  input: CommandInput,
  work: (tx: Transaction) => Promise<T>,
  startedByKey: string | undefined,
): Promise<Committed<T>> {
  try {
    return await retryCollisions(() =>
      context.database.transaction(async (tx) => {
        tx.prepend([
          ...(tracing?.parent === undefined ? [] : [{ ...setTraceParent, values: [tracing.parent] }]),
          {
            text: `SELECT set_config('registry.actor', $1, true), set_config('registry.request_id', $2, true)`,
            values: [context.caller.actor, context.requestId ?? ''],
            isFrequent: true,
          },
        ]);
        claimIdempotencyKey(tx, context.caller, name, input);
        const result = await work(tx);
        const [, head] = await tx.commit(
          { text: 'SET CONSTRAINTS ALL IMMEDIATE' },
          readHead,
          ...rememberResult(context.caller, input.idempotencyKey, result),
          ...rememberRevision(context.caller, startedByKey),
        );
        return { ...result, revision: revisionOf(head?.rows[0]), repeated: false };
      }),
    );
  } catch (error) {
    // The result of the same command and input, so it has the type T.
    if (error instanceof RepeatedRequest)
      return { ...(error.earlier as T & { revision: string }), repeated: true };
    throw asRegistryError(error) ?? error;
  }
}

/** Operations that the transaction queues are part of the trace, whoever runs them. */
const setTraceParent = { text: `SELECT set_config('registry.trace_parent', $1, true)`, isFrequent: true };

/** The request was made before with the same idempotency key; `earlier` is its result. */
class RepeatedRequest extends Error {
  readonly earlier: unknown;

  constructor(earlier: unknown) {
    super('a repeated request');
    this.earlier = earlier;
  }
}

/** SQL: the revision of the newest change, in the form of formatRevision. */
const headRevision = `(SELECT registry_epoch() || ':' || revision FROM registry_head)`;

const readHead = { text: `SELECT ${headRevision} AS revision`, isFrequent: true };

/** The revision of the newest change. */
export async function requireHeadRevision(pool: Pick<Pool, 'query'>): Promise<string> {
  const { rows } = await pool.query(readHead.text);
  return revisionOf(rows[0]);
}

function revisionOf(head: { revision: string | null } | undefined): string {
  if (!head?.revision) throw new Error('registry_head has no row: the database is damaged, restore it');
  return head.revision;
}

/**
 * Claims the idempotency key in front of the first statement of the work. Throws there: RepeatedRequest when this request is not
 * the first one with the key, IDEMPOTENCY_KEY_REUSED.
 */
function claimIdempotencyKey(
  tx: Transaction,
  caller: Caller,
  command: string,
  { wait, ...input }: CommandInput,
): void {
  const key = input.idempotencyKey;
  if (key === undefined) return;
  const requestHash = createHash('sha256')
    .update(JSON.stringify([command, input]))
    .digest();
  tx.prepend(
    [
      {
        text: `DELETE FROM idempotency_keys WHERE created_at < now() - make_interval(hours => ${idempotencyHours})`,
        isFrequent: true,
      },
      // A second request with the key waits here for the end of the first one, so only one of them does the work.
      {
        text: `INSERT INTO idempotency_keys (caller, key, command, request_hash) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
        values: [caller.actor, key, command, requestHash],
        isFrequent: true,
      },
      {
        text: `SELECT command, request_hash = $3 AS "isSame", result FROM idempotency_keys WHERE caller = $1 AND key = $2`,
        values: [caller.actor, key, requestHash],
        isFrequent: true,
      },
    ],
    ([, claimed, found]) => {
      if (claimed?.rowCount === 1) return;
      const first = found?.rows[0];
      if (first?.command === command && first.isSame) throw new RepeatedRequest(first.result);
      throw new RegistryError(
        'IDEMPOTENCY_KEY_REUSED',
        `idempotencyKey "${key}" was used for another request: use a new key for a new request`,
      );
    },
  );
}

function rememberResult(caller: Caller, key: string | undefined, result: CommandResult): Statement[] {
  if (key === undefined) return [];
  const text = `UPDATE idempotency_keys SET result = $3::jsonb || jsonb_build_object('revision', ${headRevision}) WHERE caller = $1 AND key = $2`;
  return [{ text, values: [caller.actor, key, JSON.stringify(result)], isFrequent: true }];
}

function rememberRevision(caller: Caller, key: string | undefined): Statement[] {
  if (key === undefined) return [];
  const text = `UPDATE idempotency_keys SET result = jsonb_set(result, '{revision}', to_jsonb(${headRevision})) WHERE caller = $1 AND key = $2`;
  return [{ text, values: [caller.actor, key], isFrequent: true }];
}
