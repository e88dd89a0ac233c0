import { z } from 'zod';
import { invalidField } from '../../errors.js';
import { optional, tenantReference } from '../../registry/input.js';

function whole(least: number, most: number) {
  return z
    .int('must be a whole number')
    .min(least, `must be ${least} or more`)
    .max(most, `must be at most ${most}`);
}

const percent = whole(1, 100);

/** How a rollout goes through its tenants. Every field may be left out. */
export const strategyFields = z.object({
  canary: optional(
    z.object({
      tenants: optional(whole(1, 1_000_000)),
      percent: optional(percent),
      tenantIds: optional(
        z
          .array(tenantReference, { error: 'must be a list of tenant ids, slugs or external ids' })
          .min(1, 'must name at least one tenant')
          .max(1_000, 'must name at most 1000 tenants'),
      ),
    }),
  ),
  pauseAfterCanary: optional(z.boolean()),
  waves: optional(whole(1, 100)),
  parallelism: optional(whole(1, 16)),
  errorBudget: optional(z.object({ count: optional(whole(0, 1_000_000)), percent: optional(whole(0, 100)) })),
  lockTimeoutMs: optional(whole(10, 60_000)),
  statementTimeoutMs: optional(whole(100, 86_400_000)),
});

/** A strategy with every default filled in. */
export interface RolloutStrategy {
  canaryTenants: number | null;
  canaryPercent: number | null;
  /** Ids, slugs or external ids of the tenants that make the canary. */
  canaryTenantIds: readonly string[];
  pauseAfterCanary: boolean;
  waves: number;
  parallelism: number;
  errorBudgetCount: number | null;
  errorBudgetPercent: number | null;
  lockTimeoutMs: number;
  statementTimeoutMs: number;
}

/** Values for what a strategy leaves out. */
export const defaultStrategy = {
  waves: 1,
  parallelism: 4,
  /** The first failure pauses the rollout. */
  errorBudgetCount: 0,
  lockTimeoutMs: 2_000,
  statementTimeoutMs: 600_000,
} as const;

const readNothing = strategyFields.parse({});

/** Throws VALIDATION_ERROR for fields that contradict each other. */
export function readStrategy(strategy: z.output<typeof strategyFields> | undefined): RolloutStrategy {
  const given = strategy ?? readNothing;
  const { canary, errorBudget, pauseAfterCanary = false } = given;
  const sizes = [canary?.tenants, canary?.percent, canary?.tenantIds].filter((size) => size !== undefined);
  if (canary && sizes.length !== 1)
    throw invalidField('strategy.canary', 'must have exactly one of tenants, percent and tenantIds');
  if (pauseAfterCanary && !canary)
    throw invalidField('strategy.pauseAfterCanary', 'needs a canary: give strategy.canary as well');
  const lockTimeoutMs = given.lockTimeoutMs ?? defaultStrategy.lockTimeoutMs;
  const statementTimeoutMs = given.statementTimeoutMs ?? defaultStrategy.statementTimeoutMs;
  // Otherwise a statement that waits would end like one that works for too long, which is not repeated.
  if (lockTimeoutMs >= statementTimeoutMs)
    throw invalidField(
      'strategy.lockTimeoutMs',
      `must be less than statementTimeoutMs, ${statementTimeoutMs}`,
    );
  const canaryTenantIds = [...new Set(canary?.tenantIds ?? [])];
  const isUnlimited = errorBudget?.count === undefined && errorBudget?.percent === undefined;
  return {
    canaryTenants: canary?.tenantIds ? canaryTenantIds.length : (canary?.tenants ?? null),
    canaryPercent: canary?.percent ?? null,
    canaryTenantIds,
    pauseAfterCanary,
    waves: given.waves ?? defaultStrategy.waves,
    parallelism: given.parallelism ?? defaultStrategy.parallelism,
    errorBudgetCount: isUnlimited ? defaultStrategy.errorBudgetCount : (errorBudget?.count ?? null),
    errorBudgetPercent: errorBudget?.percent ?? null,
    lockTimeoutMs,
    statementTimeoutMs,
  };
}
