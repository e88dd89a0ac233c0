import type { RegistryDatabase } from '../../database/registry-database.js';
import { waitsForNoStandby } from '../../database/servers/server-check.js';
import { createObservation, type Observation } from './finding.js';

interface Replication {
  standbys: number;
  synchronous: number;
  isVisible: boolean;
  names: string;
  commit: string;
  role: string;
}

/** Reports a registry database that may lose changes after they were acknowledged. */
export async function examineReplication({ pool }: Pick<RegistryDatabase, 'pool'>): Promise<Observation[]> {
  const { rows } = await pool.query<Replication>(replicationSql);
  const [found] = rows;
  if (!found) return [];
  return [findAsynchronous(found), findCommit(found)].filter((one) => one !== undefined);
}

function findAsynchronous({ isVisible, synchronous, names, standbys, role }: Replication) {
  if (standbys === 0) return undefined;
  if (!isVisible)
    return createObservation(
      'REPLICATION_NOT_VISIBLE',
      {},
      {
        problem: `Role ${role} may not see the state of the standbys, so nobody knows whether changes reach one before they are acknowledged`,
        remedy: `GRANT pg_read_all_stats TO ${role}`,
      },
    );
  if (synchronous > 0) return undefined;
  return createObservation(
    'REPLICATION_ASYNCHRONOUS',
    { asOf: names },
    {
      problem: `The registry database has ${standbys} standby servers, and none is synchronous: a failover loses changes that were acknowledged`,
      remedy:
        `ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (<names>)' and SELECT pg_reload_conf() on the primary, or synchronous_mode ` +
        'of Patroni; then REQUIRE_SYNC_STANDBYS on every gateway',
    },
  );
}

function findCommit({ commit, role, standbys }: Replication) {
  if (!waitsForNoStandby(commit) || (commit === 'local' && standbys === 0)) return undefined;
  return createObservation(
    'COMMIT_NOT_SYNCHRONOUS',
    { asOf: commit },
    {
      problem: `Commits in the registry database wait for ${commit === 'off' ? 'no disk and ' : ''}no standby (synchronous_commit = ${commit}): a crash or a failover loses changes that were acknowledged`,
      remedy: `ALTER ROLE ${role} SET synchronous_commit = 'on', and remove the setting from the server, the database or the URL`,
    },
  );
}

/** Copies and subscribers of logical replication are no standbys. */
const replicationSql = `
  SELECT count(*)::int AS standbys,
    count(*) FILTER (WHERE sync_state IN ('sync', 'quorum'))::int AS synchronous,
    pg_has_role('pg_read_all_stats', 'USAGE') AS "isVisible",
    current_setting('synchronous_standby_names') AS names,
    current_setting('synchronous_commit') AS commit,
    quote_ident(current_user) AS role
  FROM pg_stat_replication AS standby
  WHERE state IS DISTINCT FROM 'backup' AND NOT EXISTS (
    SELECT FROM pg_replication_slots AS slot WHERE slot.active_pid = standby.pid AND slot.slot_type = 'logical'
  )`;
