import type { Caller } from '../auth/caller.js';
import type { CredentialWatch } from '../auth/credential-watch.js';
import type { PrismaClient } from '../database/generated/prisma/client.js';
import type { ChangeStream } from '../feed/change-stream.js';
import type { ClientLeases } from '../feed/client-leases.js';
import type { Follower } from '../feed/follower.js';
import type { ClientConfigs } from '../importing/yaml/client-configs.js';
import { createMembersLoader, type MembersLoader } from '../profile/members/member-lists.js';
import {
  type AttemptsLoader,
  createAttemptsLoader,
  createHistoryLoader,
  type HistoryLoader,
} from '../provisioning/operations/reads/history.js';
import {
  createTenantOperationsLoader,
  type TenantOperationsLoader,
} from '../provisioning/operations/reads/tenant-operations.js';
import {
  createTenantResultsLoader,
  type TenantResultsLoader,
} from '../provisioning/operations/reads/tenant-results.js';
import {
  createRolloutCountsLoader,
  type RolloutCountsLoader,
} from '../provisioning/rollout/reads/rollout-record.js';
import type { RateState } from '../rates/rate-limited.js';
import type { Rates } from '../rates/rates.js';
import type { CommandContext } from '../registry/command.js';
import { createTenantChangesLoader, type TenantChangesLoader } from '../registry/log/tenant-changes.js';
import type { Caches } from '../registry/resolution/caches.js';
import { createReader, type Reader } from '../registry/resolution/reader.js';
import { limitReader } from '../registry/resolution/reader-limits.js';
import {
  createSubscriptionCountsLoader,
  type SubscriptionCountsLoader,
} from '../registry/tenants/subscription-counts.js';
import { createUsageLoader, type UsageLoader } from '../registry/usage/usage.js';
import type { RequestLimits } from './limits/request-limits.js';
import type { StreamPiece } from './streams/event-frames.js';
import type { StreamForm } from './streams/stream-form.js';

/** The context of resolvers; made for each request. */
export interface GraphqlContext {
  readonly caller: Caller;
  readonly commands: CommandContext;
  /** For the lists of the admin side only; the hot path uses the reader. */
  readonly prisma: PrismaClient;
  readonly reader: Reader;
  readonly history: HistoryLoader;
  readonly attempts: AttemptsLoader;
  readonly members: MembersLoader;
  readonly subscriptionCounts: SubscriptionCountsLoader;
  readonly tenantOperations: TenantOperationsLoader;
  readonly tenantResults: TenantResultsLoader;
  readonly tenantChanges: TenantChangesLoader;
  readonly rolloutCounts: RolloutCountsLoader;
  readonly usage: UsageLoader;
  readonly shared: SharedContext;
  /** The name under which the client reports to /lease. */
  readonly client: string | undefined;
}

/** The parts of the gateway that outlive a request. */
export interface SharedContext {
  follower: Follower;
  caches: Caches;
  changes: ChangeStream;
  leases: ClientLeases;
  rates: Rates;
  /** Configurations that are client.yaml files; undefined without CLIENTS_DIR. */
  clients: ClientConfigs | undefined;
  limits: RequestLimits;
}

/** Facts about a request that are known before any of it is executed. */
export interface RequestFacts {
  requestId: string;
  caller: Caller;
  shared: SharedContext;
  /** Everything that commands need to work for the caller. Called only where it is needed. */
  openCommands(): CommandContext;
  readClient(): string | undefined;
  /** Watches the credential of a stream; undefined where requests need none. */
  watchCredential(): CredentialWatch | undefined;
  /** Filled while the request is answered, for the log. */
  outcome: RequestOutcome;
  /** The events of the answer, when it is a stream. */
  stream?: { events: AsyncIterator<StreamPiece>; form: StreamForm };
}

/** Facts for the log line of a request, whose HTTP status is often 200. */
export interface RequestOutcome {
  /** Codes of the errors that were answered. */
  codes: string[];
  /** Kind of the operation; undefined when there was none, or it was refused before it was known. */
  kind?: 'query' | 'mutation' | 'subscription' | undefined;
  /** Actor of the caller, as in the audit log; undefined when there was none. */
  actor?: string | undefined;
  /** The variables of the request, for the tenant that they name. */
  variables?: Readonly<Record<string, unknown>> | undefined;
  /** Name of the operation in its document. */
  operationName?: string | undefined;
  /** The fields that it begins with, by their names in the schema. */
  fields?: readonly string[] | undefined;
  /** Code of the error with which it was refused before GraphQL. */
  refusal?: string | undefined;
  /** The mutations it asked for, by name. */
  mutations: readonly string[];
  /** Its document is new, so its time counts if it is refused, even later in the same turn. */
  isMeasured?: boolean;
  /** It was refused before anything of it was executed. */
  isRefused?: boolean;
  /** The limit that the request counted for, for the headers of the answer. */
  rate?: { state: RateState; isRefused: boolean };
}

/** Makes each part when it is first used: a route from memory needs the reader and nothing else. */
export class RequestContext implements GraphqlContext {
  readonly caller: Caller;
  readonly shared: SharedContext;
  readonly #facts: RequestFacts;
  #commands: CommandContext | undefined;
  #reader: Reader | undefined;
  #history: HistoryLoader | undefined;
  #attempts: AttemptsLoader | undefined;
  #members: MembersLoader | undefined;
  #subscriptionCounts: SubscriptionCountsLoader | undefined;
  #tenantOperations: TenantOperationsLoader | undefined;
  #tenantResults: TenantResultsLoader | undefined;
  #tenantChanges: TenantChangesLoader | undefined;
  #rolloutCounts: RolloutCountsLoader | undefined;
  #usage: UsageLoader | undefined;

  constructor(facts: RequestFacts) {
    this.#facts = facts;
    this.caller = facts.caller;
    this.shared = facts.shared;
  }

  get commands(): CommandContext {
    this.#commands ??= this.#facts.openCommands();
    return this.#commands;
  }

  get prisma(): PrismaClient {
    return this.commands.database.prisma;
  }

  get reader(): Reader {
    const { follower, caches, clients, rates } = this.shared;
    this.#reader ??= limitReader(createReader({ follower, caches, clients, caller: this.caller }), {
      rates: rates.resolutions,
      caller: this.caller,
    });
    return this.#reader;
  }

  get history(): HistoryLoader {
    this.#history ??= createHistoryLoader(this.commands.database);
    return this.#history;
  }

  get attempts(): AttemptsLoader {
    this.#attempts ??= createAttemptsLoader(this.commands.database);
    return this.#attempts;
  }

  get members(): MembersLoader {
    this.#members ??= createMembersLoader(this.commands.database);
    return this.#members;
  }

  get subscriptionCounts(): SubscriptionCountsLoader {
    this.#subscriptionCounts ??= createSubscriptionCountsLoader(this.commands.database);
    return this.#subscriptionCounts;
  }

  get tenantOperations(): TenantOperationsLoader {
    this.#tenantOperations ??= createTenantOperationsLoader(this.commands.database);
    return this.#tenantOperations;
  }

  get tenantResults(): TenantResultsLoader {
    this.#tenantResults ??= createTenantResultsLoader(this.commands.database);
    return this.#tenantResults;
  }

  get tenantChanges(): TenantChangesLoader {
    this.#tenantChanges ??= createTenantChangesLoader(this.commands.database);
    return this.#tenantChanges;
  }

  get rolloutCounts(): RolloutCountsLoader {
    this.#rolloutCounts ??= createRolloutCountsLoader(this.commands.database);
    return this.#rolloutCounts;
  }

  get usage(): UsageLoader {
    this.#usage ??= createUsageLoader(this.commands.database);
    return this.#usage;
  }

  get client(): string | undefined {
    return this.#facts.readClient();
  }
}

/** The same as plain properties, for Yoga, which copies them into a context of its own. */
export function plainContext(context: RequestContext): GraphqlContext {
  const {
    caller,
    commands,
    prisma,
    reader,
    history,
    attempts,
    members,
    subscriptionCounts,
    tenantOperations,
    tenantResults,
    tenantChanges,
    rolloutCounts,
    usage,
    shared,
    client,
  } = context;
  return {
    caller,
    commands,
    prisma,
    reader,
    history,
    attempts,
    members,
    subscriptionCounts,
    tenantOperations,
    tenantResults,
    tenantChanges,
    rolloutCounts,
    usage,
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
    context.attempts.clearAll();
    context.members.clearAll();
    context.subscriptionCounts.clearAll();
    context.tenantOperations.clearAll();
    context.tenantResults.clearAll();
    context.tenantChanges.clearAll();
    context.rolloutCounts.clearAll();
    context.usage.clearAll();
  }
}

/** Counts the mutations of a request before any of them runs. Throws RATE_LIMITED. */
export function admitMutations({ caller, shared, outcome }: RequestFacts, count: number): void {
  if (count === 0) return;
  const state = shared.rates.admitMutations(caller, count);
  if (state) outcome.rate = { state, isRefused: false };
}
