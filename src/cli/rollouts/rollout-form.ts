import type { RolloutTenantRecord } from '../../provisioning/rollout/reads/rollout-pages.js';
import type { StatusCounts } from '../../provisioning/rollout/reads/rollout-record.js';
import type { RolloutSheet } from '../../provisioning/rollout/reads/rollout-sheet.js';
import { filesOf } from '../../provisioning/rollout/rollout-files.js';

/** A rollout in the JSON output, in the names of GraphQL. */
export function toJson(rollout: RolloutSheet['rollout']) {
  const { id, moduleName, status, pauseReason, targetVersion, currentWave, version } = rollout;
  const { canaryTenants, canaryPercent, pauseAfterCanary, waves, parallelism } = rollout;
  const { errorBudgetCount, errorBudgetPercent, lockTimeoutMs, statementTimeoutMs } = rollout;
  const { createdAt, createdBy, finishedAt } = rollout;
  return {
    ...{ id, module: moduleName, status, pauseReason, targetVersion, currentWave, version },
    files: filesOf(rollout).map(({ name }) => name),
    strategy: {
      ...{ canaryTenants, canaryPercent, pauseAfterCanary, waves, parallelism },
      ...{ errorBudgetCount, errorBudgetPercent, lockTimeoutMs, statementTimeoutMs },
    },
    ...{ createdAt, createdBy, finishedAt },
  };
}

/** As toJson, with the numbers of its tenants and the first of those that failed. */
export function toFullJson({ rollout, counts, running, failed, slowest }: RolloutSheet) {
  return {
    ...toJson(rollout),
    progress: {
      tenants: countsToJson(counts),
      waves: counts.waves.map((one) => ({ wave: one.wave, tenants: countsToJson(one) })),
    },
    running: running.map(tenantToJson),
    failed: failed.map(tenantToJson),
    slowest,
  };
}

function countsToJson({ total, QUEUED, RUNNING, SUCCEEDED, FAILED, BLOCKED, SKIPPED }: StatusCounts) {
  return {
    ...{ total, queued: QUEUED, running: RUNNING, succeeded: SUCCEEDED },
    ...{ failed: FAILED, blocked: BLOCKED, skipped: SKIPPED },
  };
}

function tenantToJson(tenant: RolloutTenantRecord) {
  const { tenantId, tenantSlug, wave, status, fromVersion, toVersion, file, attempts } = tenant;
  const { error, errorCode, violations, startedAt, finishedAt, durationMs } = tenant;
  return {
    ...{ tenantId, tenantSlug, wave, status, fromVersion, toVersion, file, attempts },
    ...{ error, errorCode, violations, startedAt, finishedAt, durationMs },
  };
}
