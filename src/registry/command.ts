import { createHash } from 'node:crypto';
import type { Caller } from '../auth/caller.js';
import type { Prisma } from '../database/generated/prisma/client.js';
import type { RegistryDatabase, Transaction } from '../database/registry-database.js';
import type { ServiceDatabases } from '../database/service-databases.js';
import { RegistryError } from '../errors.js';
import type { WaitFor } from '../feed/acknowledge.js';
import type { Log } from '../log.js';
import { asRegistryError, retryCollisions } from './database-failure.js';
import { formatRevision, readRevision } from './revision.js';

/** What every command gets: who asks, and what it works on. */
export interface CommandContext {
  caller: Caller;
  database: RegistryDatabase;
  serviceDatabases: ServiceDatabases;
  /** Folder with one folder of SQL migrations per module. */
  modulesDir: string;
  /** Resolves when nobody answers from before the revision any more, or after D. */
  acknowledge: (committed: { epoch: string; revision: bigint; waitFor: WaitFor }) => Promise<void>;
  /**
   * Runs an operation that was just begun. Resolves with the revision of its end; with undefined when it goes on later
   * or elsewhere.
   */
  runOperation: (operationId: string, wait?: WaitFor) => Promise<string | undefined>;
  /** D, in milliseconds: after it nobody waits any more. */
  stalenessMs: number;
  log: Log;
}

/** Input fields that mean the same in every command. */
export interface CommandInput {
  idempotencyKey?: string | undefined;
  wait?: WaitFor | undefined;
}

/** What a command hands back: ids of what it changed, plain JSON, so that a repeated request can be answered again. */
export type CommandResult = { [key: string]: string | number | boolean | null };

export type Committed<T> = T & {
  /** The registry's revision with this change in it. */
  revision: string;
  /** The answer to an earlier request with the same idempotency key; nothing was done now. */
  repeated: boolean;
};

export interface CommandOptions<T> {
  waitFor?: WaitFor | undefined;
  /** What else has to happen before the answer, beside the waiting for gateways. */
  meanwhile?: ((committed: Committed<T>, waitFor: WaitFor) => Promise<void>) | undefined;
  /**
   * Idempotency key of the request whose work this command ends. Whoever repeats that request then gets this revision, as
   * the first answer had it, and not that of the beginning, at which nothing was there to be read yet.
   */
  startedByKey?: string | undefined;
}

/** How long an idempotency key is remembered, in hours. */
const idempotencyHours = 24;

/**
 * One command: one READ COMMITTED transaction with the actor set, whose last statements settle the deferred
 * constraints and read the head. So constraint errors come with their code, the revision is the command's own, and the
 * head row is the last lock taken. Answered when the gateways know of it.
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

/** Where the change log stands. */
export async function requireHeadRevision(tx: Transaction): Promise<string> {
  const [head] = await tx.$queryRaw<{ epoch: string; revision: bigint }[]>`
    SELECT registry_epoch() AS epoch, revision FROM registry_head`;
  if (!head) throw new Error('registry_head has no row: the database is damaged, restore it');
  return formatRevision({ epoch: head.epoch, number: head.revision });
}

/** The result of the first request with this key; undefined when this one is the first and now holds the key. */
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
  // A second request with the key waits here for the first one's end, so both cannot do the work.
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
      `idempotencyKey "${key}" came with another request before: use a new key for a new request`,
    );
  // Written by rememberResult of the same command with the same input.
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
