import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { openApp } from '../../src/app.js';
import { developer } from '../../src/auth/caller.js';
import { RegistryError } from '../../src/errors.js';
import { openLog } from '../../src/log.js';
import { registerTenant } from '../../src/profile/commands/register-tenant.js';
import { subscribeTenantToModule } from '../../src/provisioning/commands/subscribe-tenant-to-module.js';
import { suspendTenant } from '../../src/provisioning/commands/suspend-tenant.js';
import type { CommandContext } from '../../src/registry/command.js';
import { isWaitForLock } from '../setup/locks.js';
import type { ProvisioningEnvironment } from './provisioning-environment.js';
import { startWorker } from './worker-process.js';

export interface RaceReport {
  operations: number;
  /** How many operations each worker ran. */
  byWorker: number[];
  /** Operations that did not succeed, or were claimed more than once. */
  astray: object[];
  /** Pairs of operations that ran on one subscription at the same time. */
  overlaps: object[];
  /** Changes in the log that occur more or less often than once. */
  repeated: object[];
  /** Codes of the refusals of second requests, with their number. */
  refusals: Record<string, number>;
  /** Number of tenants whose two bindings are not both suspended. */
  unguarded: number;
}

const patienceMs = 180_000;

/**
 * Sends the same requests to two gateways at the same time, with three operations per tenant, while two worker processes run the
 * operations.
 */
export async function raceWorkers(
  environment: ProvisioningEnvironment,
  tenants: number,
): Promise<RaceReport> {
  const calm = { heartbeatMs: 5_000, takeOverAfterMs: 15_000 };
  const open = () => openApp({ ...environment.app.config, ...calm }, openLog('silent'), { exclusive: true });
  const apps = [await open(), await open()];
  const env = { ...environment.env, OPERATION_HEARTBEAT_MS: '5000', OPERATION_TAKE_OVER_MS: '15000' };
  await using _one = await startWorker(env);
  await using _other = await startWorker(env);
  // The gateways leave their operations to the workers.
  const [first, second] = apps.map(
    (app): CommandContext => ({ ...app.commandsFor(developer), runOperation: async () => undefined }),
  );
  if (!first || !second) throw new Error('two gateways were opened');
  const refusals: Record<string, number> = {};
  const race = async (work: (context: CommandContext) => Promise<unknown>) => {
    const ended = await Promise.allSettled(
      [first, second].map((context) => untilItsTurn(() => work(context))),
    );
    for (const end of ended) {
      if (end.status === 'fulfilled') continue;
      const code = end.reason instanceof RegistryError ? end.reason.code : String(end.reason);
      refusals[code] = (refusals[code] ?? 0) + 1;
    }
  };
  const overlaps: object[] = [];
  let isOver = false;
  const watching = (async () => {
    while (!isOver) {
      overlaps.push(...(await environment.psql(overlapping)));
      await delay(20);
    }
  })();

  const stem = `m${randomBytes(4).toString('hex')}`;
  const slugs = Array.from({ length: tenants }, (_, at) => `${stem}x${at}`);
  try {
    for (const slug of slugs) await registerTenant(first, { name: slug, slug, wait: 'COMMITTED' });
    const wanted = slugs.flatMap((tenantId) => ['alpha', 'beta'].map((module) => ({ tenantId, module })));
    await aFewAtOnce(wanted, ({ tenantId, module }) =>
      race((context) => subscribeTenantToModule(context, { tenantId, module, wait: 'COMMITTED' })),
    );
    await settled(environment, stem);
    await aFewAtOnce(slugs, (tenantId) =>
      race((context) => suspendTenant(context, { tenantId, reason: 'unpaid', wait: 'COMMITTED' })),
    );
    await settled(environment, stem);
  } finally {
    isOver = true;
    await watching;
    for (const app of apps) await app.close();
  }

  return { ...(await readReport(environment, stem, tenants)), overlaps, refusals };
}

/** On a slow machine a request may wait in vain for the lock of others. As a client does, it is sent again, three times at most. */
async function untilItsTurn(work: () => Promise<unknown>, repetitions = 3): Promise<unknown> {
  return work().catch((error: unknown) => {
    if (!(error instanceof RegistryError && isWaitForLock(error)) || repetitions === 0) throw error;
    return untilItsTurn(work, repetitions - 1);
  });
}

async function readReport(
  environment: ProvisioningEnvironment,
  stem: string,
  tenants: number,
): Promise<Omit<RaceReport, 'overlaps' | 'refusals'>> {
  const byWorker = await environment.psql<{ count: number }>(
    `SELECT count(*)::int AS count FROM operations JOIN tenants ON tenants.id = tenant_id
     WHERE slug LIKE $1 GROUP BY worker`,
    [`${stem}%`],
  );
  const counts = byWorker.map(({ count }) => count);
  return {
    operations: counts.reduce((sum, count) => sum + count, 0),
    byWorker: counts,
    astray: await environment.psql(
      `SELECT operations.id, kind::text, operations.status::text, fencing_token::int AS claims FROM operations
       JOIN tenants ON tenants.id = tenant_id
       WHERE slug LIKE $1 AND (operations.status <> 'succeeded' OR fencing_token <> 1)`,
      [`${stem}%`],
    ),
    repeated: await environment.psql(
      `SELECT tenant_slug, module, kind, count(*)::int FROM registry_change WHERE tenant_slug LIKE $1
       GROUP BY 1, 2, 3 HAVING count(*) <> 1`,
      [`${stem}%`],
    ),
    unguarded: await countUnguarded(environment, stem, tenants),
  };
}

/** Limited to the connections of a gateway: on a slow machine further requests would time out waiting for one. */
async function aFewAtOnce<Item>(items: Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const queue = items.values();
  const takeTurns = async () => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: 15 }, takeTurns));
}

/** Guards may be updated while storage is created. No other two operations may run on one subscription. */
const overlapping = `
  SELECT tenant_id, step.module, array_agg(kind::text) AS kinds
  FROM operations JOIN operation_steps AS step ON operation_id = operations.id
  WHERE operations.status IN ('running', 'compensating') AND kind <> 'bind_storage' AND step.module IS NOT NULL
  GROUP BY 1, 2 HAVING count(*) > 1`;

async function settled(environment: ProvisioningEnvironment, stem: string): Promise<void> {
  const until = Date.now() + patienceMs;
  for (;;) {
    const [left] = await environment.psql<{ count: number }>(
      `SELECT count(*)::int AS count FROM operations JOIN tenants ON tenants.id = tenant_id
       WHERE slug LIKE $1 AND operations.status IN ('queued', 'running', 'compensating')`,
      [`${stem}%`],
    );
    if (left?.count === 0) return;
    if (Date.now() > until) throw new Error(`${left?.count} operations do not end`);
    await delay(50);
  }
}

async function countUnguarded(
  { app }: ProvisioningEnvironment,
  stem: string,
  tenants: number,
): Promise<number> {
  let missing = 0;
  for (const name of ['alpha', 'beta']) {
    const reference = { databaseRef: `${name.toUpperCase()}_DB_URL`, databaseName: name };
    const { rowCount } = await app.serviceDatabases.withConnection(reference, (client) =>
      client.query(
        `SELECT FROM tenant_guard.binding WHERE schema_name LIKE $1 AND state = 'suspended'
           AND to_regclass(quote_ident(schema_name) || '.note') IS NOT NULL`,
        [`${name}_${stem}%`],
      ),
    );
    missing += tenants - (rowCount ?? 0);
  }
  return missing;
}
