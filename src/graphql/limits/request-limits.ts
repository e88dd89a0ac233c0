import type { Config } from '../../config.js';
import type { RegistryDatabase } from '../../database/registry-database.js';
import type { RowWatch } from '../../database/statements/row-watch.js';
import type { OperationWithSteps } from '../../provisioning/operations/operation.js';
import { watchOperations } from '../../provisioning/operations/reads/operation-watch.js';
import { type WatchedRollout, watchRollouts } from '../../provisioning/rollout/reads/rollout-watch.js';
import type { Budgets } from './budget.js';
import { openReads, type Reads } from './reads.js';
import { StreamPlaces } from './stream-places.js';

/** The limits of one gateway on what its callers ask for. */
export interface RequestLimits {
  budgets: Budgets;
  answerBytes: number;
  reads: Reads;
  streams: StreamPlaces;
  operations: RowWatch<OperationWithSteps>;
  rollouts: RowWatch<WatchedRollout>;
}

export function openRequestLimits(
  config: Pick<Config, 'requestLimits'>,
  database: RegistryDatabase,
  onCancel: () => void,
): RequestLimits {
  const limits = config.requestLimits;
  return {
    budgets: limits.budgets,
    answerBytes: limits.answerBytes,
    reads: openReads(database, { timeoutMs: limits.queryTimeoutMs, onCancel }),
    streams: new StreamPlaces({ perCaller: limits.streamsPerCaller, perGateway: limits.streamsPerGateway }),
    operations: watchOperations(database.prisma),
    rollouts: watchRollouts(database),
  };
}
