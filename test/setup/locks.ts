/**
 * Locks of this database, in a statement that counts locks: `SELECT FROM locks_here WHERE NOT granted` after `WITH ${locksHere}`. The
 * view pg_locks shows those of the whole server, which other files use at the same time, also for tables with the same number.
 */
export const locksHere = `locks_here AS (SELECT * FROM pg_locks
  WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database()))`;

/** Whether a change was refused because it waited in vain for a lock: it has changed nothing, and clients repeat it. */
export function isWaitForLock({ code, message }: { code: string | undefined; message: string }): boolean {
  return code === 'REGISTRY_UNAVAILABLE' && message.startsWith('Another session keeps a lock');
}
