import { createHash } from 'node:crypto';
import type { Caller } from '../auth/caller.js';
import type { Prisma } from '../database/generated/prisma/client.js';
import type { RegistryDatabase, Transaction } from '../database/registry-database.js';
import type { ServiceDatabases } from '../database/service-databases.js';
import { RegistryError } from '../errors.js';
import type { WaitFor } from '../feed/acknowledge.js';
import type { Log } from '../log.js';
import type { ConfigRules } from './config-rules.js';
import { asRegistryError, retryCollisions } from './database-failure.js';
import { formatRevision, readRevision } from './revision.js';

/** The caller of a command and the resources that commands use. */
export interface CommandContext {
  caller: Caller;
  database: RegistryDatabase;
  serviceDatabases: ServiceDatabases;
  /** Folder with one folder of SQL migrations per module. */
  modulesDir: string;
  configRules: ConfigRules;
  /** Resolves when no gateway answers from an older revision any more, at the latest after the staleness bound. */
  acknowledge: (committed: { epoch: string; revision: bigint; waitFor: WaitFor }) => Promise<void>;
  /** Runs an operation. Resolves with the revision of its end, or with undefined when it continues later or elsewhere. */
  runOperation: (operationId: string, wait?: WaitFor) => Promise<string | undefined>;
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
 * Runs a command in one READ COMMITTED transaction with the actor set. Its last statements check the deferred constraints and
 * read the head: so constraint errors get their code, the revision is the command's own, and the head row is the last lock taken.
 * Resolves when the gateways have acknowledged the revision, as far as `wait` asks for it.
 */
export async function runCommand<T extends CommandResult>(
  context: CommandContext,
  name: string,
  input: CommandInput,
  work: (tx: Transaction) => Promise<T>,
  options: CommandOptions<T> = {},
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
        await tx.$queryRaw`SELECT set_config('registry.actor', ${context.caller.actor}, true)`;
        const earlier = await claimIdempotencyKey<T>(tx, context.caller, name, input);
        if (earlier) return { ...earlier, repeated: true };
        const result = { ...(await work(tx)), revision: await settle(tx) };
        await rememberResult(tx, context.caller, input.idempotencyKey, result);
        await rememberRevision(tx, context.caller, startedByKey, result.revision);
        return { ...result, repeated: false };
      }),
    );
  } catch (error) {
    throw asRegistryError(error) ?? error;
  }
}

async function settle(tx: Transaction): Promise<string> {
  await tx.$executeRaw`SET CONSTRAINTS ALL IMMEDIATE`;
  return requireHeadRevision(tx);
}

/** The revision of the newest change. */
export async function requireHeadRevision(tx: Transaction): Promise<string> {
  const [head] = await tx.$queryRaw<{ epoch: string; revision: bigint }[]>`
    SELECT registry_epoch() AS epoch, revision FROM registry_head`;
  if (!head) throw new Error('registry_head has no row: the database is damaged, restore it');
  return formatRevision({ epoch: head.epoch, number: head.revision });
}

/** The result of the first request with this key; undefined when this request is the first and has claimed the key. */
async function claimIdempotencyKey<T>(
  tx: Transaction,
  caller: Caller,
  command: string,
  { wait, ...input }: CommandInput,
): Promise<(T & { revision: string }) | undefined> {
  const key = input.idempotencyKey;
  if (key === undefined) return undefined;
  const requestHash = new Uint8Array(
    createHash('sha256')
      .update(JSON.stringify([command, input]))
      .digest(),
  );
  await tx.$executeRaw`DELETE FROM idempotency_keys WHERE created_at < now() - make_interval(hours => ${idempotencyHours}::int)`;
  // A second request with the key waits here for the end of the first one, so only one of them does the work.
  const claimed = await tx.$executeRaw`
    INSERT INTO idempotency_keys (caller, key, command, request_hash)
    VALUES (${caller.actor}, ${key}, ${command}, ${requestHash}) ON CONFLICT DO NOTHING`;
  if (claimed === 1) return undefined;
  const first = await tx.idempotencyKey.findUniqueOrThrow({
    where: { caller_key: { caller: caller.actor, key } },
  });
  if (first.command !== command || !Buffer.from(first.requestHash).equals(Buffer.from(requestHash)))
    throw new RegistryError(
      'IDEMPOTENCY_KEY_REUSED',
      `idempotencyKey "${key}" was used for another request: use a new key for a new request`,
    );
  // rememberResult of the same command and input has written it, so it has the type T.
  return first.result as T & { revision: string };
}

async function rememberResult(
  tx: Transaction,
  caller: Caller,
  key: string | undefined,
  result: Prisma.JsonObject,
) {
  if (key === undefined) return;
  await tx.idempotencyKey.update({ where: { caller_key: { caller: caller.actor, key } }, data: { result } });
}

async function rememberRevision(
  tx: Transaction,
  caller: Caller,
  key: string | undefined,
  revision: string,
): Promise<void> {
  if (key === undefined) return;
  await tx.$executeRaw`
    UPDATE idempotency_keys SET result = jsonb_set(result, '{revision}', to_jsonb(${revision}::text))
    WHERE caller = ${caller.actor} AND key = ${key}`;
}
