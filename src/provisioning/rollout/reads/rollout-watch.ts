import type { Rollout } from '../../../database/generated/prisma/client.js';
import type { RegistryDatabase } from '../../../database/registry-database.js';
import { RowWatch } from '../../../database/statements/row-watch.js';
import { isOpen } from '../rollout.js';
import { loadRollouts } from './rollout-pages.js';
import { createRolloutCountsLoader, type RolloutCounts } from './rollout-record.js';

/** A rollout with the numbers of its tenants. */
export type WatchedRollout = Rollout & { counts: RolloutCounts };

export function watchRollouts(database: RegistryDatabase): RowWatch<WatchedRollout> {
  return new RowWatch<WatchedRollout>({
    load: (ids) => loadWatched(database, ids),
    describe: ({ status, pauseReason, currentWave, version, counts }) =>
      JSON.stringify([status, pauseReason, currentWave, version, counts]),
    hasEnded: (rollout) => !isOpen(rollout),
  });
}

export async function findWatchedRollout(
  database: RegistryDatabase,
  id: string,
): Promise<WatchedRollout | undefined> {
  return (await loadWatched(database, [id]))[0];
}

async function loadWatched(database: RegistryDatabase, ids: readonly string[]): Promise<WatchedRollout[]> {
  // The numbers last: those of a rollout that has ended do not change any more.
  const rollouts = await loadRollouts(database, ids);
  const loader = createRolloutCountsLoader(database);
  return Promise.all(
    rollouts.map(async (rollout) => ({ ...rollout, counts: await loader.load(rollout.id) })),
  );
}
