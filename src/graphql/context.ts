import type { Caller } from '../auth/caller.js';
import type { PrismaClient } from '../database/generated/prisma/client.js';
import type { ChangeStream } from '../feed/change-stream.js';
import type { ClientLeases } from '../feed/client-leases.js';
import type { Follower } from '../feed/follower.js';
import type { ClientConfigs } from '../importing/yaml/client-configs.js';
import { createHistoryLoader, type HistoryLoader } from '../provisioning/operations/history.js';
import type { Caches } from '../registry/caches.js';
import type { CommandContext } from '../registry/command.js';
import { createReader, type Reader } from '../registry/reader.js';

/** What resolvers get; made for each request. */
export interface GraphqlContext {
  caller: Caller;
  commands: CommandContext;
  /** For the admin side's lists only: what is on the hot path goes through the reader. */
  prisma: PrismaClient;
  reader: Reader;
  history: HistoryLoader;
  shared: SharedContext;
  /** Who the client says it is when it reports to /lease. */
  client: string | undefined;
}

/** What of the gateway outlives a request. */
export interface SharedContext {
  follower: Follower;
  caches: Caches;
  changes: ChangeStream;
  leases: ClientLeases;
  /** Configurations that are client.yaml files; undefined without CLIENTS_DIR. */
  clients: ClientConfigs | undefined;
}

export function createGraphqlContext(
  commands: CommandContext,
  shared: SharedContext,
  client: string | undefined,
): GraphqlContext {
  const { caller, database } = commands;
  return {
    caller,
    commands,
    prisma: database.prisma,
    reader: createReader({ ...shared, caller }),
    history: createHistoryLoader(database.prisma),
    shared,
    client,
  };
}

/** Runs a command from a resolver; what the same request reads afterwards is at least as new as the change. */
export async function execute<T extends { revision: string }>(
  context: GraphqlContext,
  command: (commands: CommandContext, input: unknown) => Promise<T>,
  input: unknown,
): Promise<T> {
  let revision: string | undefined;
  try {
    const result = await command(context.commands, input);
    revision = result.revision;
    return result;
  } finally {
    context.reader.changed(revision);
    context.history.clearAll();
  }
}
