import { setTimeout as sleep } from 'node:timers/promises';
import { gateway } from '../../../auth/caller.js';
import type { CommandContext } from '../../../registry/command.js';
import type { ModuleMigration } from '../../storage/module-migrations.js';
import { listSchemas } from '../rollout-tenants.js';
import { maxAttempts, pauseAfterMs } from '../tenants/file-failure.js';
import { LockWatch } from '../tenants/lock-watch.js';
import type { QueuedTenant, TenantOutcome } from '../tenants/migrate-tenant.js';
import { SchemaGuards } from '../tenants/schema-guards.js';
import { Lanes } from './lanes.js';
import { type HeldRollout, keepLead, LostRolloutError, releaseRollout } from './rollout-claim.js';
import { type Result, type StepAnswer, type StepWish, stepRollout } from './rollout-step.js';
import type { Places, ServerPlaces } from './server-places.js';

/** How often a leader without news looks for a pause or a cancellation, in milliseconds. */
const lookEveryMs = 500;

/** The longest pause before a step that failed is repeated, in milliseconds. */
const longestPauseMs = 5_000;

/** How many tenants are claimed for each lane: so many that none waits for a step, and a step records the results of several. */
const claimedPerLane = 20;

/** How long a result may wait to be recorded with others, in milliseconds. */
const gatherMs = 100;

/** How many tenants may wait for another attempt while others are migrated. */
const maxDelayed = 100;

interface Work extends QueuedTenant {
  /** Attempts in this and in earlier runs. */
  attempts: number;
  /** Attempts in this run. */
  own: number;
}

export interface LeadOptions {
  heartbeatMs: number;
  /** Ends the lead; another process goes on. */
  signal: AbortSignal;
  /** Shared by all rollouts that this process leads. */
  places: ServerPlaces;
}

/** Leads a rollout until it pauses or ends, or until another process takes it over. */
export async function leadRollout(
  callersContext: CommandContext,
  rollout: HeldRollout,
  migrations: readonly ModuleMigration[],
  { heartbeatMs, signal, places }: LeadOptions,
): Promise<void> {
  // The audit log names the user who started the rollout.
  const context = { ...callersContext, caller: { ...gateway, actor: rollout.createdBy } };
  const { serviceDatabases, database, log } = context;
  const module = await database.prisma.module.findUniqueOrThrow({ where: { name: rollout.moduleName } });
  const { name, databaseRef, databaseName } = module;
  const reference = { name, databaseRef, databaseName };
  const { lockTimeoutMs, statementTimeoutMs, parallelism } = rollout;
  using _ = keepLead(context, rollout, heartbeatMs);
  await using watch = new LockWatch(() => serviceDatabases.connect(reference, undefined), lockTimeoutMs, log);
  const guards = new SchemaGuards(() => listSchemas(context, rollout));
  const settings = { files: migrations, lockTimeoutMs, statementTimeoutMs, watch, guards };
  await using lanes = new Lanes(serviceDatabases, reference, settings);
  const server = serviceDatabases.configuredServer(databaseRef)?.server ?? 'embedded';
  using crew = new Crew(lanes, parallelism, signal, (begin) => places.join(server, parallelism, begin));
  try {
    await leadToEnd(context, rollout, crew, signal);
  } catch (error) {
    crew.stop();
    if (!(error instanceof LostRolloutError)) throw error;
    log.warn({ rolloutId: rollout.id }, error.message);
    return;
  }
  await releaseRollout(context, rollout).catch((error) =>
    // Without the release it can be taken over after a while, as after a crash.
    log.warn({ err: error, rolloutId: rollout.id }, 'could not release a rollout'),
  );
}

async function leadToEnd(
  context: CommandContext,
  rollout: HeldRollout,
  crew: Crew,
  signal: AbortSignal,
): Promise<void> {
  let isRunning = true;
  for (;;) {
    const isStopping = signal.aborted || !isRunning;
    const returned = isStopping ? crew.takeBack() : [];
    const results = crew.takeResults();
    const claims = isStopping ? 0 : crew.room;
    const wish = { results, returned, claims, inFlight: crew.inFlight };
    const answer = await stepUntilDone(context, rollout, wish, signal);
    isRunning = answer.status === 'RUNNING';
    if (isRunning) crew.goOn(answer.claimed);
    if ((signal.aborted || !isRunning) && crew.isIdle) return;
    await crew.news(lookEveryMs);
  }
}

/** Repeats the step until the registry has taken it: a result that could not be written must not end the rollout. */
async function stepUntilDone(
  context: CommandContext,
  rollout: HeldRollout,
  wish: StepWish,
  signal: AbortSignal,
): Promise<StepAnswer> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await stepRollout(context, rollout, attempt < 4 ? wish : withoutTexts(wish));
    } catch (error) {
      if (error instanceof LostRolloutError || signal.aborted) throw error;
      context.log.warn(
        { err: error, rolloutId: rollout.id },
        'could not write the results of a rollout, which is repeated',
      );
      await sleep(Math.min(longestPauseMs, 100 * 2 ** attempt), undefined, { signal });
    }
  }
}

/** Texts come from service databases, so they are the part of a result that the registry may refuse again and again. */
function withoutTexts(wish: StepWish): StepWish {
  const error = 'The result could not be recorded in full; the log of the process has the error';
  return {
    ...wish,
    results: wish.results.map((result) => ({
      ...result,
      violations: null,
      error: result.error === null ? null : error,
    })),
  };
}

/** The tenants that the leader has claimed, and those of them that are being migrated. */
class Crew implements Disposable {
  readonly #lanes: Lanes;
  readonly #parallelism: number;
  readonly #signal: AbortSignal;
  readonly #places: Places;
  readonly #onAbort = () => this.#wake();
  readonly #waiting: Work[] = [];
  readonly #delayed = new Map<NodeJS.Timeout, Work>();
  #results: Result[] = [];
  #working = 0;
  /** A tenant has failed: no other one begins before the step has compared the failures with the budget. */
  #isHolding = false;
  #isStopped = false;
  #wake = () => {};

  constructor(lanes: Lanes, parallelism: number, signal: AbortSignal, join: (begin: () => void) => Places) {
    this.#lanes = lanes;
    this.#parallelism = parallelism;
    this.#signal = signal;
    this.#places = join(() => this.#begin());
    // The signal is that of the process, which leads many rollouts in its life.
    signal.addEventListener('abort', this.#onAbort);
  }

  [Symbol.dispose](): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#places[Symbol.dispose]();
  }

  /** How many more tenants to claim, so that no lane waits for the next step. */
  get room(): number {
    if (this.#delayed.size >= maxDelayed) return 0;
    return Math.max(0, claimedPerLane * this.#parallelism - this.#waiting.length - this.#working);
  }

  /** Claimed tenants without a result. */
  get inFlight(): number {
    return this.#waiting.length + this.#working + this.#delayed.size;
  }

  get isIdle(): boolean {
    return this.inFlight === 0 && this.#results.length === 0;
  }

  /** Begins tenants after a step that has found no reason to pause. */
  goOn(tenants: readonly QueuedTenant[]): void {
    this.#isHolding = this.#results.some(({ status }) => status === 'FAILED');
    for (const tenant of tenants as readonly (QueuedTenant & { attempts: number })[])
      this.#waiting.push({ ...tenant, own: 0 });
    this.#begin();
  }

  takeResults(): Result[] {
    const taken = this.#results;
    this.#results = [];
    return taken;
  }

  /** Takes back the tenants that are not being migrated, and begins no more. */
  takeBack(): string[] {
    const delayed = [...this.#delayed.values()];
    for (const timer of this.#delayed.keys()) clearTimeout(timer);
    this.#delayed.clear();
    return [...this.#waiting.splice(0), ...delayed].map(({ tenantId }) => tenantId);
  }

  /** Begins no more tenants, and drops the results of those that are being migrated. */
  stop(): void {
    this.#isStopped = true;
    this.takeBack();
  }

  /** Resolves when there are results to record or lanes will soon have no tenant, at the latest after `ms` milliseconds. */
  news(ms: number): Promise<void> {
    if (this.#isUrgent) return Promise.resolve();
    return new Promise((resolve) => {
      const latest = setTimeout(resolve, ms);
      let gathered: NodeJS.Timeout | undefined;
      const look = () => {
        if (this.#isUrgent) {
          clearTimeout(latest);
          clearTimeout(gathered);
          resolve();
        } else if (this.#results.length > 0) gathered ??= setTimeout(resolve, gatherMs);
      };
      this.#wake = look;
      look();
    });
  }

  get #isUrgent(): boolean {
    if (this.#signal.aborted || this.inFlight === 0 || this.#isHolding) return true;
    return this.#results.length > 0 && this.#waiting.length <= this.#parallelism;
  }

  get #isHeld(): boolean {
    return this.#isStopped || this.#isHolding || this.#signal.aborted;
  }

  #begin(): void {
    while (this.#working < this.#parallelism && !this.#isHeld) {
      const [work] = this.#waiting;
      if (!work || !this.#places.take()) return;
      this.#waiting.shift();
      this.#working++;
      void this.#migrate(work).finally(() => {
        this.#working--;
        this.#places.leave();
        this.#begin();
        this.#wake();
      });
    }
  }

  async #migrate(work: Work): Promise<void> {
    const begun = performance.now();
    const outcome = await this.#lanes.migrate(work);
    const own = work.own + 1;
    const { tenantId, generation } = work;
    const attempts = work.attempts + work.own;
    if (outcome.status === 'PASSING' && own < maxAttempts) {
      const timer = setTimeout(() => {
        this.#delayed.delete(timer);
        this.#waiting.push({ ...work, own });
        this.#begin();
      }, pauseAfterMs(own));
      this.#delayed.set(timer, work);
      return;
    }
    const result: TenantOutcome = outcome.status === 'PASSING' ? outcome.outcome : outcome;
    const durationMs = Math.round(performance.now() - begun);
    if (result.status === 'FAILED') this.#isHolding = true;
    this.#results.push({ ...result, tenantId, generation, attempts, durationMs });
  }
}
