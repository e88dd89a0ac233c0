import type { RegistryDatabase } from '../../database/registry-database.js';
import type { NumbersSource, RegistryNumbers } from '../../metrics/registry-gauges.js';
import { within } from '../../within.js';
import type { ModuleReach } from '../modules/module-reach.js';
import { maxCounted } from './operation-stats.js';

/** How long numbers count as new, in milliseconds: Prometheus usually asks every 15 s, and each gateway is asked. */
const readEveryMs = 10_000;
/** How long a scrape waits for numbers that are due; then it gets those of before. */
const waitMs = 1_000;
/** Older numbers are left out: a gauge that stands still would pass for the truth. */
const maxAgeMs = 300_000;

type Read = Omit<RegistryNumbers, 'modules'>;

const limited = (columns: string, from: string) =>
  `(SELECT coalesce(jsonb_agg(counted), '[]') FROM (SELECT ${columns}, count(*)::int AS count
    FROM (SELECT ${columns} FROM ${from} LIMIT ${maxCounted}) AS few GROUP BY ${columns}) AS counted)`;

/** Each status of operations apart, by its index; the end states have millions of rows. */
const operations = ['queued', 'running', 'compensating', 'needs_attention']
  .map((status) => limited('kind, status', `operations WHERE status = '${status}'`))
  .join(' || ');

const due = `FROM operations WHERE status = 'queued' AND run_after <= now()`;

/** One statement, so one snapshot. Tenants and subscriptions are from the tables of counts. */
const numbersSql = `SELECT jsonb_build_object(
  'tenants', (SELECT coalesce(jsonb_agg(counted), '[]') FROM
    (SELECT status, sum(tenants)::int AS count FROM tenant_counts WHERE module = '' GROUP BY status) AS counted),
  'subscriptions', (SELECT coalesce(jsonb_agg(counted), '[]') FROM
    (SELECT module, status, subscriptions AS count FROM subscription_counts) AS counted),
  'operations', ${operations},
  'queue', jsonb_build_object(
    'depth', (SELECT count(*) FROM (SELECT ${due} LIMIT ${maxCounted}) AS few),
    'oldestSeconds', coalesce((SELECT greatest(0, extract(epoch FROM now() - min(run_after)))::float8 ${due}), 0)),
  'rollouts', (SELECT coalesce(jsonb_agg(open), '[]') FROM
    (SELECT module, status FROM rollouts WHERE status IN ('running', 'paused')) AS open),
  'rolloutTenants', (SELECT coalesce(jsonb_agg(counted), '[]') FROM
    (SELECT module, rollout_tenants.status, count(*)::int AS count FROM rollouts JOIN rollout_tenants ON rollout_id = rollouts.id
     WHERE rollouts.status IN ('running', 'paused') GROUP BY module, rollout_tenants.status) AS counted),
  'drift', ${limited('code, severity', `drift_findings WHERE status = 'open'`)},
  'driftScanSeconds', (SELECT extract(epoch FROM now() - finished_at)::float8 FROM drift_scans)) AS numbers`;

/** Reads the registry's numbers for metrics: at most every ten seconds, however often it is asked, and not at all when nobody asks. */
export function createNumbersSource(
  { rowPool }: Pick<RegistryDatabase, 'rowPool'>,
  modules: ModuleReach,
): NumbersSource {
  let known: RegistryNumbers | undefined;
  let readAt = performance.now();
  let triedAt = Number.NEGATIVE_INFINITY;
  let running: Promise<void> | undefined;

  async function readNumbers(): Promise<void> {
    const [{ rows }, states] = await Promise.all([
      rowPool.query<{ numbers: Read }>(numbersSql),
      modules.listModules(),
    ]);
    const [row] = rows;
    if (!row) return;
    const ready = states.map(({ name, reason }) => ({ module: name, isReady: reason === undefined }));
    known = { ...row.numbers, modules: ready };
    readAt = performance.now();
  }

  return {
    async read() {
      if (!running && performance.now() - triedAt >= readEveryMs) {
        triedAt = performance.now();
        running = readNumbers()
          // The age of the last numbers shows the failure, as does /ready.
          .catch(() => undefined)
          .finally(() => {
            running = undefined;
          });
      }
      if (running) await within(waitMs, running, () => undefined);
      const ageMs = performance.now() - readAt;
      return { numbers: ageMs < maxAgeMs ? known : undefined, ageSeconds: ageMs / 1_000 };
    },
  };
}
