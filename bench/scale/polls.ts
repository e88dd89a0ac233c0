/** The poll of the change log, which every gateway sends twice a second, on logs of different lengths. */
import pg from 'pg';
import { openFeedSource } from '../../src/feed/registry-feed.js';
import { medianOf } from '../compare/summary.js';

export interface PollFigure {
  entries: number;
  /** The planner's statistics of the log: none, those of a shorter log, or current ones. */
  statistics: 'none' | 'older' | 'fresh';
  ms: number;
}

const polls = 100;

/** Leaves fresh statistics. Nothing else may run ANALYZE meanwhile: autovacuum has to be off. */
export async function measurePolls(pool: pg.Pool, databaseUrl: string): Promise<PollFigure[]> {
  const { rows } = await pool.query('SELECT count(*)::int AS entries FROM registry_change');
  const entries: number = rows[0].entries;
  const { rowCount } = await pool.query(
    `SELECT FROM pg_statistic WHERE starelid = 'registry_change'::regclass LIMIT 1`,
  );
  const figures: PollFigure[] = [];
  if (rowCount) figures.push({ entries, statistics: 'older', ms: await timePoll(databaseUrl) });
  await forgetStatistics(pool);
  figures.push({ entries, statistics: 'none', ms: await timePoll(databaseUrl) });
  await pool.query('ANALYZE');
  figures.push({ entries, statistics: 'fresh', ms: await timePoll(databaseUrl) });
  return figures;
}

async function forgetStatistics(pool: pg.Pool): Promise<void> {
  for (const table of ['registry_change', 'registry_head', 'replicas']) {
    await pool.query(`DELETE FROM pg_statistic WHERE starelid = $1::regclass`, [table]);
    await pool.query(`SELECT pg_clear_relation_stats('public', $1)`, [table]);
  }
}

/** Median of polls that find nothing new. On connections of its own, so that no plan was made under other statistics. */
async function timePoll(databaseUrl: string): Promise<number> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 1 });
  pool.on('error', () => undefined);
  try {
    const source = openFeedSource(pool, { stalenessMs: 5_000 });
    const epoch = await source.register();
    const report = { isSettled: true, clientsRevision: undefined };
    const { head } = await source.poll({ ...report, position: undefined });
    const times: number[] = [];
    for (let count = 0; count < polls; count++) {
      const startedAt = performance.now();
      await source.poll({ ...report, position: head });
      times.push(performance.now() - startedAt);
    }
    await source.unregister(epoch);
    return medianOf(times);
  } finally {
    await pool.end();
  }
}
