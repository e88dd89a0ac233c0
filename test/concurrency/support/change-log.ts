import pg from 'pg';

/** The state of the change log after many concurrent writes. Without vitest, because the soak in bench/ uses it too. */
export interface LogReport {
  /** Revision of the head, and the number of entries and revisions. */
  head: number;
  revisions: number;
  entries: number;
  /** Entries that neither continue their revision nor begin the next one. */
  holes: number;
  /** Entries that do not name the hash of the entry before them. */
  brokenLinks: number;
  /** Entries whose content does not match their hash. */
  altered: number;
  /** Whether the head row names the last entry. */
  isHeadLast: boolean;
}

export const soundLog = { holes: 0, brokenLinks: 0, altered: 0, isHeadLast: true };

export async function examineLog(registryUrl: string): Promise<LogReport> {
  return withClient(registryUrl, async (client) => {
    const { rows } = await client.query<LogReport>(
      `WITH log AS (
         SELECT revision, position, hash, previous_hash, registry_change_hash(entry) AS true_hash,
                lag(revision, 1, 0) OVER chain AS revision_before,
                lag(position) OVER chain AS position_before,
                lag(hash, 1, ''::bytea) OVER chain AS hash_before,
                lead(revision) OVER chain IS NULL AS is_last
         FROM registry_change AS entry WINDOW chain AS (ORDER BY revision, position))
       SELECT head.revision::int AS head,
              count(DISTINCT log.revision)::int AS revisions,
              count(*)::int AS entries,
              count(*) FILTER (WHERE NOT (
                (log.revision = revision_before AND log.position = position_before + 1)
                OR (log.revision = revision_before + 1 AND log.position = 0)))::int AS holes,
              count(*) FILTER (WHERE previous_hash <> hash_before)::int AS "brokenLinks",
              count(*) FILTER (WHERE log.hash <> true_hash)::int AS altered,
              bool_or(is_last AND (log.revision, log.position, log.hash) = (head.revision, head.position, head.hash))
                AS "isHeadLast"
       FROM log, registry_head AS head GROUP BY head.revision`,
    );
    const [report] = rows;
    if (!report) throw new Error('the change log is empty');
    return report;
  });
}

export interface Activity {
  commits: number;
  deadlocks: number;
}

/**
 * PostgreSQL's statistics of a database. Sessions report their counts with a delay, at the latest when they end, so all
 * of them are ended first.
 */
export async function endSessionsAndCount(url: string): Promise<Activity> {
  return withClient(url, async (client) => {
    const others = 'FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()';
    for (let remaining = 1; remaining > 0; )
      remaining = (await client.query(`SELECT pg_terminate_backend(pid, 5000) ${others}`)).rowCount ?? 0;
    const { rows } = await client.query<Activity>(
      `SELECT xact_commit::int AS commits, deadlocks::int FROM pg_stat_database WHERE datname = current_database()`,
    );
    return rows[0] ?? { commits: 0, deadlocks: 0 };
  });
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
