import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Pool } from 'pg';
import { queryPrepared } from '../database/statements/prepared-query.js';
import { RegistryError } from '../errors.js';
import { packageVersion } from '../package-folder.js';
import {
  type Change,
  type FeedPage,
  type FeedSource,
  maxRevisionsPerPage,
  type ReplicaReport,
} from './change.js';

/** The change log of a real PostgreSQL. */
export function openFeedSource(
  pool: Pool,
  options: { stalenessMs: number; maxEntriesPerPage?: number; readsStandbys?: boolean },
): FeedSource & { replicaId: string } {
  const { maxEntriesPerPage = 10_000, readsStandbys = false } = options;
  const replicaId = randomUUID();
  const text = pollSql(maxEntriesPerPage, readsStandbys ? standbysSql : '');
  return {
    replicaId,
    async register() {
      const { rows } = await pool.query<{ epoch: string }>(
        `WITH added AS (
           INSERT INTO replicas (id, hostname, staleness_ms, version) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING
         )
         SELECT registry_epoch() AS epoch`,
        [replicaId, hostname(), options.stalenessMs, packageVersion],
      );
      return (rows[0] as { epoch: string }).epoch;
    },
    async poll({ position, isSettled, clientsRevision, mark }: ReplicaReport): Promise<FeedPage> {
      // Sent twice, where names cannot be used, it reports the same twice.
      const { rows } = await queryPrepared(pool, options.stalenessMs, {
        text,
        values: [
          replicaId,
          position?.epoch ?? null,
          position?.revision ?? null,
          clientsRevision ?? null,
          maxRevisionsPerPage,
          isSettled,
          ...(readsStandbys ? [mark ?? null] : []),
        ],
      });
      const [page] = rows;
      return {
        head: { epoch: page.epoch, revision: BigInt(page.head), hash: page.hash },
        since: BigInt(page.since),
        isRegistered: page.registered,
        ...(readsStandbys && { standbys: page.standbys }),
        changes: page.changes.map((change: Change) => ({ ...change, revision: BigInt(change.revision) })),
      };
    },
    async unregister(epoch) {
      await pool.query('DELETE FROM replicas WHERE id = $1 AND registry_epoch() = $2', [replicaId, epoch]);
    },
  };
}

/** Reads the entries of an epoch in a range of revisions, for subscribers that resume; undefined when some of them were pruned. */
export async function readChanges(
  pool: Pool,
  { epoch, after, upTo }: { epoch: string; after: bigint; upTo: bigint },
): Promise<Change[] | undefined> {
  const { rows } = await pool.query(
    `SELECT log.epoch, change.revision, change.position, change.kind, change.tenant_id AS "tenantId",
       change.tenant_slug AS "tenantSlug", change.module, ${externalIds('change')} AS "externalIds",
       ${tenantModules('change')} AS "tenantModules",
       encode(change.previous_hash, 'hex') AS "previousHash", encode(change.hash, 'hex') AS hash
     FROM (SELECT registry_epoch() AS epoch) AS log
     LEFT JOIN registry_change AS change ON change.revision > $1 AND change.revision <= $2
     ORDER BY change.revision, change.position`,
    [after, upTo],
  );
  if (rows[0]?.epoch !== epoch)
    throw new RegistryError(
      'REGISTRY_UNAVAILABLE',
      'The registry has begun another history: subscribe again in a moment',
    );
  const entries = rows.filter(({ revision }) => revision !== null);
  // Revisions have no gaps, and the oldest are pruned first.
  if (after < upTo && BigInt(entries[0]?.revision ?? 0) !== after + 1n) return undefined;
  return entries.map(({ epoch: _epoch, ...row }) => ({ ...row, revision: BigInt(row.revision) }));
}

/** Subscriptions are never deleted and never move, so a later snapshot has at least those of the time of the change. */
const tenantModules = (entry: string) => `
  array(SELECT known.module FROM module_subscriptions AS known WHERE known.tenant_id = ${entry}.tenant_id)`;

/** With removed ones, for they are in what was cached before their removal. They are never deleted and never move, too. */
const externalIds = (entry: string) => `
  array(SELECT named.external_id FROM tenant_external_ids AS named WHERE named.tenant_id = ${entry}.tenant_id)`;

/** One entry at a time: the next one by the primary key. */
const nextEntry = (after: string) => `
  LATERAL (
    SELECT revision, position, kind, tenant_id, tenant_slug, module, previous_hash, hash
    FROM registry_change WHERE ${after}
    ORDER BY registry_change.revision, registry_change.position LIMIT 1
  ) AS entry`;

/**
 * One statement and so one snapshot: report, head, and later changes. A replica without a position, of another epoch, or too
 * far behind gets the newest revisions instead, and sees from `since` that they don't continue. Where even those are too many
 * entries, `since` is the head itself: the replica drops everything it knows.
 *
 * The entries are read one by one, in the order of the primary key. Asked for all at once, PostgreSQL does not know the number
 * in `since`, expects a third of the log, and scans all of it; a LIMIT helps only where the table was analysed.
 */
const pollSql = (maxEntries: number, more: string) => `
  WITH RECURSIVE reported AS (
    UPDATE replicas
    SET epoch = CASE WHEN $6 THEN $2 END, revision = coalesce($3, 0), clients_revision = $4,
      reported_at = clock_timestamp()
    WHERE id = $1
    RETURNING 1
  ), head AS MATERIALIZED (
    -- The planner does not know that there is one row, and would compile for what it takes for hundreds of thousands.
    SELECT registry_epoch() AS epoch, revision, encode(hash, 'hex') AS hash FROM registry_head LIMIT 1
  ), since AS MATERIALIZED (
    SELECT CASE
      WHEN $3::bigint IS NOT NULL AND epoch = $2 AND $3 BETWEEN revision - $5 AND revision THEN $3
      ELSE greatest(revision - $5, 0)
    END AS revision
    FROM head
  ), entries AS (
    SELECT entry.* FROM since, ${nextEntry('registry_change.revision > since.revision')}
    UNION ALL
    SELECT entry.* FROM entries, ${nextEntry(
      '(registry_change.revision, registry_change.position) > (entries.revision, entries.position)',
    )}
  ), page AS MATERIALIZED (
    SELECT count(*) <= ${maxEntries} AS fits, json_agg(json_build_object(
      'revision', revision::text, 'position', position, 'kind', kind,
      'tenantId', tenant_id, 'tenantSlug', tenant_slug, 'module', module,
      'externalIds', ${externalIds('read')}, 'tenantModules', ${tenantModules('read')},
      'previousHash', encode(previous_hash, 'hex'), 'hash', encode(hash, 'hex')
    ) ORDER BY revision, position) AS changes
    FROM (SELECT * FROM entries LIMIT ${maxEntries + 1}) AS read
  )
  SELECT head.epoch, head.revision AS head, head.hash,
    CASE WHEN page.fits THEN since.revision ELSE head.revision END AS since,
    EXISTS (SELECT FROM reported) AS registered,
    CASE WHEN page.fits THEN coalesce(page.changes, '[]'::json) ELSE '[]'::json END AS changes${more}
  FROM head, since, page`;

const isSynchronous = `
  standby.state = 'streaming' AND standby.sync_state IN ('sync', 'quorum') AND NOT EXISTS (
    SELECT FROM pg_replication_slots AS slot WHERE slot.active_pid = standby.pid AND slot.slot_type = 'logical'
  )`;

/**
 * The standbys that can be promoted; a subscriber of logical replication cannot. A report of this replica is no reason to wait for a
 * standby: the poll of a primary that has lost its standbys is answered, and says so. A lost report makes mutations wait longer.
 */
const standbysSql = `,
    json_build_object(
      'commit', set_config('synchronous_commit', 'local', true),
      'synchronous', (SELECT count(*) FROM pg_stat_replication AS standby WHERE ${isSynchronous}),
      'confirmed', (SELECT count(*) FROM pg_stat_replication AS standby WHERE ${isSynchronous} AND flush_lsn > $7::pg_lsn),
      'mark', pg_current_wal_insert_lsn()::text,
      'isVisible', pg_has_role('pg_read_all_stats', 'USAGE')
    ) AS standbys`;
