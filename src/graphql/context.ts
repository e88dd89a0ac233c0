import type { Caller } from '../auth/caller.js';
import type { PrismaClient } from '../database/generated/prisma/client.js';
import { createHistoryLoader, type HistoryLoader } from '../provisioning/history.js';
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
}

export function createGraphqlContext(commands: CommandContext): GraphqlContext {
  const { caller, database } = commands;
  return {
    caller,
    commands,
    prisma: database.prisma,
    reader: createReader(database.pool, caller),
    history: createHistoryLoader(database.prisma),
  };
}

/** Runs a command from a resolver; afterwards nothing read earlier in the same request counts any more. */
export async function execute<T>(
  context: GraphqlContext,
  command: (commands: CommandContext, input: unknown) => Promise<T>,
  input: unknown,
): Promise<T> {
  try {
    return await command(context.commands, input);
  } finally {
    context.reader.clear();
    context.history.clearAll();
  }
}
