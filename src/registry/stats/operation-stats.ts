import { z } from 'zod';
import { invalidField } from '../../errors.js';
import { moment, omittable, readInput } from '../input.js';
import type { StatsSection } from './stats-reader.js';

/** Numbers of operations, without the updates of guards except among those that need attention. */
export interface OperationStats {
  queued: number;
  running: number;
  needsAttention: number;
  /** Ended without success within the range. */
  failed: number;
  /** Duration of the newest operations that ended within the range; null when there is none. */
  medianMs: number | null;
  p95Ms: number | null;
  /** How many operations these two numbers are from. */
  sampled: number;
}

/** Rows beyond this number are not counted, so that a number costs the same in every registry. */
export const maxCounted = 10_000;
/** The newest operations of the range, from which durations are told. */
export const maxSampled = 1_000;
export const usualDays = 30;

const OperationRange = z.object({ since: omittable(moment), until: omittable(moment) });

/** Throws VALIDATION_ERROR. */
export function operationStats(range: unknown): StatsSection<OperationStats> {
  const { until = new Date(), ...given } = readInput(OperationRange, range);
  const since = given.since ?? new Date(until.getTime() - usualDays * 86_400_000);
  if (since >= until) throw invalidField('since', 'must be before until');
  return {
    sql: (place) => {
      const within = `finished_at >= ${place(since)}::timestamptz AND finished_at < ${place(until)}::timestamptz`;
      // The index of lists begins with status and kind.
      const kinds = `kind = ANY (array_remove(enum_range(NULL::operation_kind), 'bind_storage'))`;
      const count = (condition: string) =>
        `(SELECT count(*) FROM (SELECT FROM operations WHERE ${condition} LIMIT ${maxCounted}) AS counted)`;
      return `SELECT jsonb_build_object(
          'queued', ${count(`status = 'queued' AND ${kinds}`)},
          'running', ${count(`status IN ('running', 'compensating') AND ${kinds}`)},
          'needsAttention', ${count(`status = 'needs_attention'`)},
          'failed', ${count(`${within} AND status IN ('failed', 'compensated') AND kind <> 'bind_storage'`)},
          'sampled', count(ms), 'medianMs', percentile_cont(0.5) WITHIN GROUP (ORDER BY ms), 'p95Ms', percentile_cont(0.95) WITHIN GROUP (ORDER BY ms))
        FROM (SELECT extract(epoch FROM finished_at - started_at)::float8 * 1000 AS ms FROM operations
              WHERE ${within} AND finished_at IS NOT NULL AND kind <> 'bind_storage' ORDER BY finished_at DESC LIMIT ${maxSampled}) AS ended`;
    },
    read: (stats: OperationStats) => ({
      ...stats,
      medianMs: stats.medianMs === null ? null : Math.round(stats.medianMs),
      p95Ms: stats.p95Ms === null ? null : Math.round(stats.p95Ms),
    }),
  };
}
