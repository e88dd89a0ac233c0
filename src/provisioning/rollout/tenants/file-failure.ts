import { DatabaseError } from 'pg';
import { RegistryError } from '../../../errors.js';
import { mayPass } from '../../../registry/database-failure.js';

/** The SQLSTATE of PostgreSQL's error, or the code of the registry's; undefined for other errors. */
export function stateOf(error: unknown): string | undefined {
  if (error instanceof DatabaseError || error instanceof RegistryError) return error.code;
  return error instanceof Error && error.cause !== undefined ? stateOf(error.cause) : undefined;
}

/**
 * Whether the same file is worth another attempt: it waited for locks in vain, lost a deadlock, or its connection was lost.
 * `wasCancelled` tells a statement that somebody cancelled from one that took longer than it may, which have the same SQLSTATE.
 */
export function isTransient(error: unknown, { wasCancelled }: { wasCancelled: boolean }): boolean {
  const state = stateOf(error);
  if (state === '57014') return wasCancelled;
  // No memory or space left: neither of them passes within the pauses between attempts, except that for locks.
  if (state !== undefined && /^(53|58)/.test(state)) return state === '53200' || state === '53300';
  return mayPass(error);
}

export function isLockConflict(error: unknown, wasCancelled: boolean): boolean {
  return wasCancelled || ['55P03', '40P01', '57014'].includes(stateOf(error) ?? '');
}

/** How many attempts a tenant gets when each one ends with a failure that may pass. */
export const maxAttempts = 12;

/** The pause before the next attempt, in milliseconds: random, so that attempts and the work of services fall out of step. */
export function pauseAfterMs(attempt: number): number {
  return Math.min(5_000, 50 * 2 ** attempt) * (0.5 + Math.random());
}
