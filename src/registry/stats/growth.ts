import { z } from 'zod';
import { invalidField } from '../../errors.js';
import { moment, omittable, readInput, timezone } from '../input.js';
import type { StatsSection } from './stats-reader.js';

export const growthSteps = ['DAY', 'WEEK', 'MONTH'] as const;

/** Numbers of one day, week or month. */
export interface GrowthBucket {
  startsAt: Date;
  endsAt: Date;
  registered: number;
  deleted: number;
  restored: number;
  purged: number;
}

/** The most buckets of one answer. */
export const maxBuckets = 400;
/** Buckets without `since`. */
export const usualBuckets = 30;

/** The shortest that a bucket can be, in days. */
const shortestDays = { DAY: 1, WEEK: 7, MONTH: 28 };

const GrowthRange = z.object({
  since: omittable(moment),
  until: omittable(moment),
  by: omittable(z.enum(growthSteps, { error: `must be ${growthSteps.join(', ')}` })),
  timezone: omittable(timezone),
});

/**
 * Growth over a range, in whole days, weeks (from Monday) or months of a time zone: the first bucket begins at or before `since`, the
 * last ends at or after `until`. Throws VALIDATION_ERROR, also for too many buckets.
 */
export function growthStats(range: unknown): StatsSection<GrowthBucket[]> {
  const { by = 'DAY', timezone: zone = 'UTC', ...given } = readInput(GrowthRange, range);
  const { until = new Date() } = given;
  const spanMs = shortestDays[by] * 86_400_000;
  const since = given.since ?? new Date(until.getTime() - (usualBuckets - 1) * spanMs);
  if (since >= until) throw invalidField('since', 'must be before until');
  const buckets = Math.ceil((until.getTime() - since.getTime()) / spanMs);
  if (buckets > maxBuckets)
    throw invalidField(
      'since',
      `the range has about ${buckets} buckets, and at most ${maxBuckets} are answered: choose a shorter range, or longer buckets`,
    );
  return {
    sql: (place) => {
      const step = `'1 ${by.toLowerCase()}'`;
      const [zoneAt, sinceAt, untilAt] = [place(zone), place(since), place(until)];
      const first = `date_trunc('${by.toLowerCase()}', ${sinceAt}::timestamptz AT TIME ZONE ${zoneAt}::text)`;
      // A moment before `until`: a bucket that begins there is not asked for.
      const last = `(${untilAt}::timestamptz - interval '1 microsecond') AT TIME ZONE ${zoneAt}::text`;
      return `SELECT coalesce(jsonb_agg(jsonb_build_object('startsAt', bucket.starts_at, 'endsAt', bucket.ends_at, 'registered', counted.registered,
          'deleted', counted.deleted, 'restored', counted.restored, 'purged', counted.purged) ORDER BY bucket.starts_at), '[]')
        FROM generate_series(${first}, ${last}, ${step}) AS local
        CROSS JOIN LATERAL (SELECT local AT TIME ZONE ${zoneAt}::text AS starts_at, (local + interval ${step}) AT TIME ZONE ${zoneAt}::text AS ends_at) AS bucket
        CROSS JOIN LATERAL (
          SELECT coalesce(sum(registered), 0) AS registered, coalesce(sum(deleted), 0) AS deleted, coalesce(sum(restored), 0) AS restored,
                 coalesce(sum(purged), 0) AS purged
          FROM tenant_growth WHERE tenant_growth.starts_at >= bucket.starts_at AND tenant_growth.starts_at < bucket.ends_at) AS counted`;
    },
    read: (rows: (Omit<GrowthBucket, 'startsAt' | 'endsAt'> & { startsAt: string; endsAt: string })[]) =>
      rows.map(({ startsAt, endsAt, ...numbers }) => ({
        startsAt: new Date(startsAt),
        endsAt: new Date(endsAt),
        ...numbers,
      })),
  };
}
