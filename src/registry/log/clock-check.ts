import { clockToleranceSeconds } from '../../auth/token-claims.js';
import type { RegistryDatabase } from '../../database/registry-database.js';
import type { Log } from '../../log.js';

/** Warns when the clock of this machine and that of the database differ by more than tokens tolerate: one of the two is wrong. */
export async function warnOfWrongClock(
  { pool }: Pick<RegistryDatabase, 'pool'>,
  log: Log,
  timeOfDay = Date.now,
): Promise<void> {
  const before = timeOfDay();
  const { rows } = await pool.query<{ now: number }>(
    'SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS now',
  );
  const after = timeOfDay();
  const theirs = rows[0]?.now ?? after;
  // The database read its clock at some moment of this wait.
  const aheadMs = before > theirs ? before - theirs : Math.min(0, after - theirs);
  const seconds = Math.round(Math.abs(aheadMs) / 1_000);
  if (seconds <= clockToleranceSeconds) return;
  const wrong = aheadMs > 0 ? 'ahead of' : 'behind';
  log.warn(
    `The clock of this machine is ${seconds} s ${wrong} that of the registry database: set both by NTP. ` +
      'Until then keys and tokens expire at the wrong time, and valid tokens may be refused',
  );
}
