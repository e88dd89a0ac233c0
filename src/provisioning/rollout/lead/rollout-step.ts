import type { Rollout } from '../../../database/generated/prisma/client.js';
import type { Transaction } from '../../../database/registry-database.js';
import { type CommandContext, runCommand } from '../../../registry/command.js';
import { failureLimit } from '../reads/rollout-record.js';
import { appendLateTenants, hasMigratableStorage } from '../rollout-tenants.js';
import type { QueuedTenant, TenantOutcome } from '../tenants/migrate-tenant.js';
import { type HeldRollout, lockHeldRollout } from './rollout-claim.js';

/** The result of a tenant that is to be recorded. */
export interface Result extends TenantOutcome {
  tenantId: string;
  generation: number;
  attempts: number;
  durationMs: number;
}

/** The request of a leader for one step. */
export interface StepWish {
  /** Results since the last step. */
  results: readonly Result[];
  /** Tenants that were claimed and not begun, which go back to the queue. */
  returned: readonly string[];
  /** How many tenants to claim. */
  claims: number;
  /** How many claimed tenants will have no result after this step. */
  inFlight: number;
}

/** The state after a step. */
export interface StepAnswer {
  status: Rollout['status'];
  claimed: QueuedTenant[];
}

/**
 * Records results, claims tenants and goes on to the next wave, to a pause or to the end, in one transaction that only the leader can
 * commit. It takes the lock of the rollout first and those of subscriptions after it.
 */
export async function stepRollout(
  context: CommandContext,
  held: HeldRollout,
  wish: StepWish,
): Promise<StepAnswer> {
  let answer: StepAnswer | undefined;
  await runCommand(context, 'leadRollout', { wait: 'COMMITTED' }, async (tx) => {
    let rollout = await lockHeldRollout(tx, held);
    if (wish.results.length > 0) await recordResults(tx, rollout, wish.results);
    if (wish.returned.length > 0) await returnTenants(tx, rollout, wish.returned);
    if (wish.results.some(({ status }) => status === 'FAILED'))
      rollout = await pauseWithoutBudget(tx, rollout);
    const claimed: QueuedTenant[] = [];
    while (rollout.status === 'RUNNING' && wish.claims > 0) {
      const more = await claimTenants(tx, rollout, wish.claims - claimed.length);
      claimed.push(...more.ready);
      if (claimed.length > 0 || wish.inFlight > 0) break;
      if (more.skipped === 0) rollout = await endWave(tx, rollout);
    }
    answer = { status: rollout.status, claimed };
    return {};
  });
  if (!answer) throw new Error('the step has no answer');
  return answer;
}

/** A tenant whose storage is no longer the rollout's to migrate is skipped, whatever the attempt found. */
async function recordResults(
  tx: Transaction,
  { id, moduleName }: Rollout,
  results: readonly Result[],
): Promise<void> {
  const rows = JSON.stringify(
    results.map(({ error, ...result }) => ({
      ...result,
      status: result.status.toLowerCase(),
      error: error === null ? null : storable(error),
    })),
  );
  await tx.send(
    {
      text: `WITH result AS (${resultRows}), held AS (
          SELECT subscription.id, result.* FROM result JOIN module_subscriptions AS subscription
            ON subscription.tenant_id = result."tenantId" AND subscription.module = $2 AND subscription.generation = result.generation
          WHERE result."toVersion" IS NOT NULL AND subscription.storage_removed_at IS NULL
            AND subscription.migration_version IS DISTINCT FROM result."toVersion"
          ORDER BY subscription.tenant_id FOR NO KEY UPDATE OF subscription)
        UPDATE module_subscriptions SET migration_version = held."toVersion" FROM held WHERE module_subscriptions.id = held.id`,
      values: [rows, moduleName],
      isFrequent: true,
    },
    {
      text: `UPDATE rollout_tenants SET
          status = CASE WHEN reason IS NOT NULL AND result.status <> 'succeeded' THEN 'skipped' ELSE result.status::rollout_tenant_status END,
          error = CASE WHEN result.status <> 'succeeded' THEN coalesce(reason, result.error) END,
          to_version = coalesce(result."toVersion", to_version), file = result.file, error_code = result."errorCode",
          violations = result.violations, attempts = result.attempts, duration_ms = result."durationMs", finished_at = now()
        FROM (${resultRows}) AS result LEFT JOIN LATERAL (${goneReason}) AS gone ON true
        WHERE rollout_id = $3 AND tenant_id = result."tenantId"`,
      values: [rows, moduleName, id],
      isFrequent: true,
    },
  );
}

const resultRows = `SELECT * FROM jsonb_to_recordset($1::jsonb) AS listed ("tenantId" uuid, generation int, status text, "toVersion" text,
  file text, error text, "errorCode" text, violations jsonb, attempts int, "durationMs" int)`;

/** SQL: one row with the reason why the tenant in result."tenantId" is not to be migrated under its generation; null when it is. */
const goneReason = `SELECT CASE
    WHEN subscription.id IS NULL OR subscription.status IN ('cancelled', 'deprovisioning') THEN 'The tenant has no subscription to the module any more'
    WHEN tenant.status = 'purged' THEN 'The tenant was purged'
    WHEN subscription.generation <> result.generation THEN 'The storage of the tenant was moved or made again since it became part of the rollout'
    WHEN NOT (${hasMigratableStorage}) THEN 'The subscription is ' || subscription.status || ' and gets the newest files with its storage'
  END AS reason
  FROM (SELECT) AS one LEFT JOIN module_subscriptions AS subscription ON subscription.tenant_id = result."tenantId" AND subscription.module = $2
  LEFT JOIN tenants AS tenant ON tenant.id = subscription.tenant_id`;

/** How many characters of an error are kept: a file can raise one of any length. */
const keptCharacters = 4_000;

/** PostgreSQL stores neither a NUL nor half of a pair of UTF-16 units in a text. */
function storable(text: string): string {
  const kept = text.length > keptCharacters ? `${text.slice(0, keptCharacters)}…` : text;
  return kept.replaceAll('\0', '').replaceAll(/\p{Cs}/gu, '\ufffd');
}

async function returnTenants(
  tx: Transaction,
  { id, status }: Rollout,
  tenantIds: readonly string[],
): Promise<void> {
  const isCancelled = status === 'CANCELLED';
  await tx.send({
    text: `UPDATE rollout_tenants SET status = $3::rollout_tenant_status, error = $4, started_at = NULL,
        finished_at = CASE WHEN $4::text IS NOT NULL THEN now() END
      WHERE rollout_id = $1 AND tenant_id = ANY ($2::uuid[]) AND status = 'running'`,
    values: [
      id,
      tenantIds,
      isCancelled ? 'skipped' : 'queued',
      isCancelled ? 'The rollout was cancelled' : null,
    ],
  });
}

const budgetIsSpent = 'The error budget is spent';

/** Also writes the reason of such a pause again when tenants that were at work have failed since. */
async function pauseWithoutBudget(tx: Transaction, rollout: Rollout): Promise<Rollout> {
  const isPaused = rollout.status === 'PAUSED' && rollout.pauseReason?.startsWith(budgetIsSpent);
  if (rollout.status !== 'RUNNING' && !isPaused) return rollout;
  const [counted] = await tx.send({
    text: `SELECT count(*) FILTER (WHERE status = 'failed')::int AS failed, count(*)::int AS total
      FROM rollout_tenants WHERE rollout_id = $1`,
    values: [rollout.id],
  });
  const { failed, total }: { failed: number; total: number } = counted?.rows[0] ?? { failed: 0, total: 0 };
  const limit = failureLimit(rollout, total);
  if (limit === undefined || failed < limit) return rollout;
  const { acceptedFailures } = rollout;
  const count =
    acceptedFailures > 0
      ? `${failed - acceptedFailures} failed since it was last resumed, ${failed} in all`
      : `${failed} of ${total} tenants failed`;
  const pauseReason =
    `${budgetIsSpent}: ${count}. ` +
    'Correct the cause and use retryRollout, or resumeRollout to accept these failures';
  return tx.rollout.update({ where: { id: rollout.id }, data: { status: 'PAUSED', pauseReason } });
}

interface ClaimedRow extends QueuedTenant {
  reason: string | null;
}

/** Claims tenants of the present wave. Those that are no longer to be migrated become skipped at once. */
async function claimTenants(
  tx: Transaction,
  { id, moduleName, currentWave }: Rollout,
  limit: number,
): Promise<{ ready: QueuedTenant[]; skipped: number }> {
  const [claimed] = await tx.send({
    text: `WITH result AS (
        SELECT tenant_id AS "tenantId", generation FROM rollout_tenants
        WHERE rollout_id = $1 AND status = 'queued' AND wave = $3 ORDER BY tenant_id LIMIT $4 FOR UPDATE),
      judged AS (SELECT result.*, reason FROM result CROSS JOIN LATERAL (${goneReason}) AS gone),
      changed AS (
        UPDATE rollout_tenants SET status = CASE WHEN reason IS NULL THEN 'running' ELSE 'skipped' END::rollout_tenant_status, error = reason,
            started_at = now(), finished_at = CASE WHEN reason IS NOT NULL THEN now() END, attempts = attempts + CASE WHEN reason IS NULL THEN 1 ELSE 0 END
          FROM judged WHERE rollout_id = $1 AND tenant_id = judged."tenantId" RETURNING tenant_id, attempts)
      SELECT judged.*, attempts, upper(isolation::text) AS isolation, database_name AS "databaseName", schema_name AS "schemaName",
             migration_version AS "registeredVersion"
      FROM judged JOIN changed ON changed.tenant_id = judged."tenantId"
      LEFT JOIN module_subscriptions AS subscription ON subscription.tenant_id = judged."tenantId" AND module = $2`,
    values: [id, moduleName, currentWave, limit],
    isFrequent: true,
  });
  const rows: ClaimedRow[] = claimed?.rows ?? [];
  const ready = rows.filter(({ reason }) => reason === null).map(({ reason: _, ...tenant }) => tenant);
  return { ready, skipped: rows.length - ready.length };
}

/** All tenants of the present wave have their result. */
async function endWave(tx: Transaction, rollout: Rollout): Promise<Rollout> {
  const { id, currentWave, pauseAfterCanary } = rollout;
  const next = await findNextWave(tx, id);
  if (next === undefined) return endRollout(tx, rollout);
  const data = { currentWave: next };
  if (currentWave > 0 || !pauseAfterCanary || next === 0) return tx.rollout.update({ where: { id }, data });
  const counts = await tx.rolloutTenant.groupBy({
    by: ['status'],
    where: { rolloutId: id, wave: 0 },
    _count: true,
  });
  const words = counts.map(({ status, _count }) => `${_count} ${status.toLowerCase()}`).join(', ');
  const pauseReason = `The canary has ended (${words}): look at its tenants, then use resumeRollout`;
  return tx.rollout.update({ where: { id }, data: { ...data, status: 'PAUSED', pauseReason } });
}

async function findNextWave(tx: Transaction, id: string): Promise<number | undefined> {
  const [found] = await tx.send({
    text: `SELECT wave FROM rollout_tenants WHERE rollout_id = $1 AND status = 'queued' ORDER BY wave LIMIT 1`,
    values: [id],
  });
  return found?.rows[0]?.wave;
}

async function endRollout(tx: Transaction, rollout: Rollout): Promise<Rollout> {
  const { id, waves } = rollout;
  if ((await appendLateTenants(tx, rollout)) > 0)
    return tx.rollout.update({ where: { id }, data: { currentWave: waves } });
  const unsuccessful = await tx.rolloutTenant.count({
    where: { rolloutId: id, status: { in: ['FAILED', 'BLOCKED'] } },
  });
  const status = unsuccessful > 0 ? 'FAILED' : 'SUCCEEDED';
  return tx.rollout.update({ where: { id }, data: { status, finishedAt: new Date() } });
}
