import { setTimeout as delay } from 'node:timers/promises';
import { messageOf, RegistryError } from '../../errors.js';
import type { CommandContext } from '../../registry/command.js';
import { type ImportReport, type ImportRequest, importDatabases } from './database-import.js';
import { type OldState, readOldState } from './old-state.js';

export interface FollowRequest extends ImportRequest {
  /** How long to wait between two looks at the old tables, in milliseconds. */
  intervalMs: number;
  /** Ends the following after the run that is under way. */
  signal: AbortSignal;
  onReport: (report: ImportReport) => void;
  /** A look or a run failed; it is repeated after a while. */
  onFailure: (message: string) => void;
}

/** How long to wait at most before something is tried again, in milliseconds. */
const longestPauseMs = 60_000;

/**
 * Keeps up with old tables and files: takes over what has changed, again and again, until the signal or until the tables were renamed. Each
 * run is an import of its own, so a process that is killed at any moment is continued by the next one, and nothing is held in memory
 * between two runs but a stamp of what was read. Old tables are only read.
 */
export async function followDatabases(
  context: CommandContext,
  request: FollowRequest,
): Promise<'stopped' | 'finished'> {
  const { signal, intervalMs } = request;
  const progress = new Progress(intervalMs);
  let hadTables = false;
  for (;;) {
    try {
      const state = await readOldState(context, request);
      if (progress.isDue(state)) {
        const report = await importDatabases(context, { ...request, isDryRun: false, keepsTables: true });
        request.onReport(report);
        progress.add(state, report);
      }
      hadTables ||= state.tables.old > 0;
      // The stamp of this look tells whether the renamed tables were read as well.
      if (state.tables.old === 0 && (hadTables || state.tables.aside > 0)) return 'finished';
    } catch (error) {
      // Options that cannot be right end the first look; later the same code means that a database cannot be reached.
      if (!progress.hasBegun || !isPassing(error)) throw error;
      progress.fail();
      request.onFailure(messageOf(error));
    }
    await delay(progress.pauseMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return 'stopped';
  }
}

/** A caller without the right never gets it by waiting. */
function isPassing(error: unknown): boolean {
  return !(error instanceof RegistryError) || error.code !== 'FORBIDDEN';
}

/** What was taken over, and when to look or to try again. */
class Progress {
  #last: OldState | undefined;
  #hasConflicts = false;
  #failures = 0;
  #again = false;
  readonly #intervalMs: number;

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  get hasBegun(): boolean {
    return this.#last !== undefined;
  }

  get pauseMs(): number {
    if (this.#failures === 0) return this.#intervalMs;
    const pause = this.#intervalMs * 2 ** Math.min(this.#failures - 1, 10);
    return Math.max(this.#intervalMs, Math.min(pause, longestPauseMs));
  }

  isDue({ stamp, revision }: OldState): boolean {
    if (this.#last?.stamp !== stamp || this.#again) return true;
    // An edit of the registry may settle a conflict.
    return this.#hasConflicts && this.#last.revision !== revision;
  }

  add(state: OldState, { tenants, isUnfinished }: ImportReport): void {
    this.#last = state;
    this.#hasConflicts = tenants.some(({ conflicts }) => conflicts.some(({ taken }) => taken === null));
    this.#again = isUnfinished;
    this.#failures = isUnfinished ? this.#failures + 1 : 0;
  }

  fail(): void {
    this.#again = true;
    this.#failures++;
  }
}
