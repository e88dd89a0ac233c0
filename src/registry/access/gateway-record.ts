import type { RegistryDatabase } from '../../database/registry-database.js';

/** A row of replicas, compared with the head of the change log by the clock of the database. */
export interface GatewayRecord {
  id: string;
  hostname: string;
  /** Null for a gateway from before versions were reported. */
  version: string | null;
  /** "<epoch>:<number>"; null before the first report. */
  revision: string | null;
  /** Revisions that it has not applied yet; null when its epoch is another one than that of the registry. */
  lag: number | null;
  stalenessMs: number;
  isReporting: boolean;
  startedAt: Date;
  reportedAt: Date;
}

type GatewayRow = Omit<GatewayRecord, 'startedAt' | 'reportedAt'> &
  Record<'startedAt' | 'reportedAt', string>;

export const maxGateways = 500;

/** The gateways that follow the change log: those with the newest reports, by host name and id. */
export async function listGateways({
  readRows,
}: Pick<RegistryDatabase, 'readRows'>): Promise<GatewayRecord[]> {
  const rows = await readRows<GatewayRow>({
    text: `
      SELECT replica.id, hostname, version, replica.epoch || ':' || replica.revision AS revision,
        CASE WHEN replica.epoch = registry_epoch() THEN least(head.revision - replica.revision, 2147483647)::int END AS lag,
        staleness_ms AS "stalenessMs", started_at AS "startedAt", reported_at AS "reportedAt",
        reported_at > now() - staleness_ms * interval '1 millisecond' AS "isReporting"
      FROM (SELECT * FROM replicas ORDER BY reported_at DESC LIMIT $1) AS replica CROSS JOIN registry_head AS head
      ORDER BY hostname, replica.id`,
    values: [maxGateways],
  });
  return rows.map(({ startedAt, reportedAt, ...row }) => ({
    ...row,
    startedAt: new Date(startedAt),
    reportedAt: new Date(reportedAt),
  }));
}
