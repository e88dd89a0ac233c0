import { messageOf } from '../../../errors.js';
import type { CommandContext } from '../../../registry/command.js';
import { type ModuleMigration, readModuleMigrations } from '../../storage/module-migrations.js';
import { findOther } from '../rollout-files.js';
import { leadRollout } from './lead-rollout.js';
import { claimRollout, type DueRollout, listDueRollouts, takeBackTenants } from './rollout-claim.js';
import { ServerPlaces } from './server-places.js';

export interface RolloutDutyOptions {
  heartbeatMs: number;
  takeOverAfterMs: number;
}

/** Leads the rollouts that no other process leads, several at the same time. */
export class RolloutDuty {
  readonly everyMs = 500;
  readonly #options: RolloutDutyOptions;
  readonly #led = new Map<string, Promise<void>>();
  readonly #places = new ServerPlaces();
  /** Why this process does not lead a rollout, so that each reason is logged once. */
  readonly refused = new Map<string, string>();

  constructor(options: RolloutDutyOptions) {
    this.#options = options;
  }

  /** Takes the lead where it can, without waiting for the end of a rollout. */
  readonly run = async (context: CommandContext, signal: AbortSignal): Promise<void> => {
    for (const due of await listDueRollouts(context, this.#options.takeOverAfterMs)) {
      if (this.#led.has(due.id) || signal.aborted) continue;
      const leading = this.#lead(context, due, signal)
        .catch((error) => {
          if (!signal.aborted)
            context.log.error(
              { err: error, rolloutId: due.id },
              'rollout was interrupted and will be continued',
            );
        })
        .finally(() => this.#led.delete(due.id));
      this.#led.set(due.id, leading);
    }
  };

  /** Resolves when no rollout is led any more; for use after the signal. */
  readonly ended = async (): Promise<void> => {
    await Promise.allSettled(this.#led.values());
  };

  async #lead(context: CommandContext, due: DueRollout, signal: AbortSignal): Promise<void> {
    const { heartbeatMs, takeOverAfterMs } = this.#options;
    if (due.status !== 'RUNNING') return takeBackTenants(context, due.id, takeOverAfterMs);
    const files = await findFiles(context, due);
    if ('refusal' in files) {
      if (this.refused.get(due.id) === files.refusal) return;
      this.refused.set(due.id, files.refusal);
      context.log.warn(
        { rolloutId: due.id, module: due.moduleName },
        `this process does not lead rollout ${due.id}: ${files.refusal}`,
      );
      return;
    }
    const claimed = await claimRollout(context, due.id, takeOverAfterMs);
    if (claimed)
      await leadRollout(context, claimed, files.migrations, { heartbeatMs, signal, places: this.#places });
  }
}

/** The files of the rollout on this machine, in its order. Files that were added after the start are left out. */
async function findFiles(
  { modulesDir, serviceDatabases }: CommandContext,
  { moduleName, migrationsFolder, databaseRef, files }: DueRollout,
): Promise<{ migrations: ModuleMigration[] } | { refusal: string }> {
  if (migrationsFolder === null || databaseRef === null)
    return { refusal: `module ${moduleName} was removed: cancel the rollout` };
  // Here each tenant would fail; another process may know the database.
  const problem = serviceDatabases.findProblem(databaseRef);
  if (problem !== undefined) return { refusal: problem };
  let present: ModuleMigration[];
  try {
    present = await readModuleMigrations(modulesDir, migrationsFolder);
  } catch (error) {
    return { refusal: `its files cannot be read: ${messageOf(error)}` };
  }
  const migrations: ModuleMigration[] = [];
  for (const file of files) {
    const found = present.find(({ name }) => name === file.name);
    const refusal = findOther(file, found);
    if (refusal !== undefined) return { refusal };
    if (found) migrations.push(found);
  }
  return { migrations };
}
