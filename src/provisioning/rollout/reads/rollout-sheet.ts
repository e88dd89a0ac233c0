import type { Rollout } from '../../../database/generated/prisma/client.js';
import type { RegistryDatabase } from '../../../database/registry-database.js';
import { notFound } from '../../../errors.js';
import { isUuid } from '../../../registry/slug.js';
import { noSuchRollout } from '../rollout.js';
import { listRollouts, listRolloutTenants, type RolloutTenantRecord } from './rollout-pages.js';
import { countRolloutTenants, findRollout, type RolloutCounts } from './rollout-record.js';

/** A tenant and the time that its migration took. */
interface SlowTenant {
  tenantSlug: string | null;
  file: string | null;
  durationMs: number;
}

/** A rollout with what a person wants to see of it. */
export interface RolloutSheet {
  rollout: Rollout;
  counts: RolloutCounts;
  /** Tenants that are being migrated. */
  running: RolloutTenantRecord[];
  /** The first failed and blocked tenants. */
  failed: RolloutTenantRecord[];
  /** The tenants that took the most time. */
  slowest: SlowTenant[];
}

/** How many tenants of each list are read. */
const shown = 20;

const firstPage = { isDescending: false, isFromEnd: false, after: undefined, before: undefined } as const;

export async function readRolloutSheet(database: RegistryDatabase, id: string): Promise<RolloutSheet> {
  const rollout = await findRollout(database, id);
  if (!rollout) throw noSuchRollout(id);
  const list = async (statuses: ('RUNNING' | 'FAILED' | 'BLOCKED')[]) =>
    (
      await listRolloutTenants(
        database,
        { rolloutId: id, statuses, wave: undefined },
        { ...firstPage, limit: shown },
      )
    ).map(({ node }) => node);
  const [counts, running, failed, slowest] = await Promise.all([
    countRolloutTenants(database, id),
    list(['RUNNING']),
    list(['FAILED', 'BLOCKED']),
    database.readRows<SlowTenant>({ text: slowestSql, values: [id] }),
  ]);
  return { rollout, counts, running, failed, slowest };
}

const slowestSql = `
  SELECT tenant.slug AS "tenantSlug", slow.file, slow.duration_ms AS "durationMs"
  FROM (SELECT tenant_id, file, duration_ms FROM rollout_tenants WHERE rollout_id = $1::uuid AND duration_ms IS NOT NULL
        ORDER BY duration_ms DESC LIMIT 5) AS slow
  LEFT JOIN tenants AS tenant ON tenant.id = slow.tenant_id ORDER BY slow.duration_ms DESC`;

/** The rollout with this id, or the newest one of the module with this name. Throws NOT_FOUND. */
export async function requireRolloutByName(database: RegistryDatabase, reference: string): Promise<Rollout> {
  const found = isUuid(reference)
    ? await findRollout(database, reference)
    : (await listRollouts(database, { moduleName: reference, first: 1 })).rollouts[0];
  if (found) return found;
  if (isUuid(reference)) throw noSuchRollout(reference);
  throw notFound(
    'id',
    `module ${reference} has had no rollout: "rollout status" lists all rollouts, and "rollout start ${reference}" begins one`,
  );
}
