import type { CommandContext } from '../registry/command.js';
import { diagnose } from './doctor/doctor.js';
import type { Finding, FindingCode } from './doctor/finding.js';

/** Seconds after which another worker may compare a module whose comparison has not ended: its database could not be read, or the worker died. */
const retrySeconds = 60;

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
 * Compares the guards in the service databases with the registry, once in each epoch, and queues an operation for every tenant
 * whose guards differ: the registry restored from a dump has other tenants suspended than the guards, which let them in until
 * then. An epoch ends with each start of the registry's server, so several workers share the modules. The call costs one statement
 * when nothing is to be compared.
 */
export function createGuardComparison(): (context: CommandContext) => Promise<void> {
  let comparedIn: string | undefined;
  return async (context) => {
    const { epoch, claimed, isComplete } = await claimModules(context, comparedIn);
    if (isComplete) comparedIn = epoch;
    for (const module of claimed) {
      const { findings } = await diagnose(context, { modules: [module] });
      await enqueueBindings(context, findings);
      if (!findings.some(({ code }) => unreadable.has(code))) await recordComparison(context, module, epoch);
    }
  };
}

interface Claims {
  epoch: string;
  /** The modules that this worker is to compare now. */
  claimed: string[];
  /** Whether the guards of all modules have been compared in the epoch. */
  isComplete: boolean;
}

async function claimModules(
  { database: { pool } }: CommandContext,
  comparedIn: string | undefined,
): Promise<Claims> {
  const { rows } = await pool.query<Claims>(
    `WITH head AS (SELECT registry_epoch() AS epoch),
     open AS (
       SELECT name FROM head, modules
       WHERE epoch IS DISTINCT FROM $1
         AND NOT EXISTS (SELECT FROM compared_guards AS compared WHERE compared.module = name AND compared.epoch = head.epoch)),
     claimed AS (
       INSERT INTO compared_guards AS known (module, epoch) SELECT name, '' FROM open ORDER BY name
       ON CONFLICT (module) DO UPDATE SET epoch = '', claimed_at = now()
         WHERE known.epoch <> (SELECT epoch FROM head) AND (known.epoch <> '' OR known.claimed_at < now() - make_interval(secs => $2))
       RETURNING module)
     SELECT epoch, ARRAY(SELECT module FROM claimed) AS claimed, NOT EXISTS (SELECT FROM open) AS "isComplete" FROM head`,
    [comparedIn ?? null, retrySeconds],
  );
  return rows[0] ?? { epoch: '', claimed: [], isComplete: true };
}

/** Queues an operation for every tenant whose guards can be written again without a question. */
export async function enqueueBindings(
  { database, log }: CommandContext,
  findings: readonly Finding[],
): Promise<void> {
  const withCode = (isOne: (code: FindingCode) => boolean) =>
    new Set(findings.flatMap(({ code, tenantId }) => (tenantId && isOne(code) ? [tenantId] : [])));
  const tenants = withCode((code) => repairable.has(code));
  // The operation writes all bindings of a tenant, and would open those that a lost change has closed: an operator decides.
  for (const tenant of withCode((code) => code === 'BINDING_OF_LOST_CHANGE')) tenants.delete(tenant);
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
  await database.pool.query('UPDATE compared_guards SET epoch = $2 WHERE module = $1', [module, epoch]);
}
