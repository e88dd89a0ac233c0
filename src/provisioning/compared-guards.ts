import type { CommandContext } from '../registry/command.js';
import { diagnose } from './doctor/doctor.js';
import type { Finding, FindingCode } from './doctor/finding.js';

/** How long to wait after a database could not be compared, in milliseconds. */
const retryMs = 60_000;

/** Differences that writing the binding again repairs without a question to the operator. */
const repairable: ReadonlySet<FindingCode> = new Set([
  'BINDING_MISSING',
  'BINDING_STATE_DIFFERS',
  'BINDING_GENERATION_DIFFERS',
]);

/** With these the guards of the module could not be read. */
const unreadable: ReadonlySet<FindingCode> = new Set([
  'DATABASE_UNREACHABLE',
  'GRANT_MISSING',
  'GUARD_MISSING',
  'GUARD_DAMAGED',
  'MODULE_NOT_CONFIGURED',
  'MODULE_NOT_READY',
]);

/**
 * Compares the guards in the service databases with the registry once in each of its histories, and queues an operation for every
 * tenant whose guards differ: the registry restored from a dump has other tenants suspended than the guards, which let them in
 * until then. The call costs one statement when nothing is to be compared.
 */
export function createGuardComparison(): (context: CommandContext) => Promise<void> {
  let comparedIn: string | undefined;
  let notBefore = 0;
  return async (context) => {
    if (performance.now() < notBefore) return;
    const { epoch, modules } = await listUncompared(context, comparedIn);
    let isComplete = true;
    for (const module of modules) {
      const { findings } = await diagnose(context, { modules: [module] });
      await enqueueBindings(context, findings);
      if (findings.some(({ code }) => unreadable.has(code))) isComplete = false;
      else await recordComparison(context, module, epoch);
    }
    if (isComplete) comparedIn = epoch;
    else notBefore = performance.now() + retryMs;
  };
}

async function listUncompared(
  { database: { pool } }: CommandContext,
  comparedIn: string | undefined,
): Promise<{ epoch: string; modules: string[] }> {
  const { rows } = await pool.query<{ epoch: string; modules: string[] }>(
    `SELECT epoch, CASE WHEN epoch = $1 THEN '{}' ELSE ARRAY(
       SELECT name FROM modules LEFT JOIN compared_guards AS compared ON compared.module = name AND compared.epoch = head.epoch
       WHERE compared.module IS NULL ORDER BY name) END AS modules
     FROM (SELECT registry_epoch() AS epoch) AS head`,
    [comparedIn ?? null],
  );
  return rows[0] ?? { epoch: '', modules: [] };
}

async function enqueueBindings(
  { database, log }: CommandContext,
  findings: readonly Finding[],
): Promise<void> {
  const tenants = new Set(
    findings.flatMap(({ code, tenantId }) => (tenantId && repairable.has(code) ? [tenantId] : [])),
  );
  if (tenants.size === 0) return;
  await database.pool.query('SELECT registry_enqueue_binding(id) FROM unnest($1::uuid[]) AS id', [
    [...tenants],
  ]);
  log.warn(
    { tenants: tenants.size },
    'guards differ from the registry, as after a restore: they are written again',
  );
}

async function recordComparison({ database }: CommandContext, module: string, epoch: string): Promise<void> {
  // A module that was removed meanwhile has no row to record it for.
  await database.pool.query(
    `INSERT INTO compared_guards (module, epoch) SELECT name, $2 FROM modules WHERE name = $1
     ON CONFLICT (module) DO UPDATE SET epoch = excluded.epoch, compared_at = now()`,
    [module, epoch],
  );
}
