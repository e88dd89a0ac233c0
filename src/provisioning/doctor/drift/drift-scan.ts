import { gateway } from '../../../auth/caller.js';
import type { CommandContext } from '../../../registry/command.js';
import { diagnose } from '../doctor.js';

/**
 * A worker's duty: examines all databases when the last examination began longer ago than the period. The row is changed first, so that
 * several workers make one examination; one that dies is made up for after the next period.
 */
export function createDriftScan(everyHours: number): (context: CommandContext) => Promise<void> {
  return async (context) => {
    const { database, log } = context;
    const { rowCount } = await database.query(
      `UPDATE drift_scans SET started_at = now() WHERE started_at < now() - make_interval(hours => $1::int)`,
      [everyHours],
    );
    if (rowCount === 0) return;
    const { findings, storages } = await diagnose({ ...context, caller: gateway }, { structure: true });
    await database.query('UPDATE drift_scans SET finished_at = now()', []);
    const errors = findings.filter(({ severity }) => severity === 'error').length;
    const counts = { storages, errors, warnings: findings.length - errors };
    if (findings.length > 0)
      log.warn(
        counts,
        'registry and service databases differ: the query drift and tenant-registry doctor --structure list it',
      );
    else log.info(counts, 'registry and service databases agree');
  };
}
