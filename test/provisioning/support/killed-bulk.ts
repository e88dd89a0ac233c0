import { developer, gateway as gatewayCaller } from '../../../src/auth/caller.js';
import { listDueOperations } from '../../../src/provisioning/operations/operation.js';
import type { TestEnvironment } from '../../interruption/test-environment.js';
import {
  type Interruption,
  type Point,
  type Victims,
  wasInterrupted,
} from '../../interruption/victim-processes.js';
import { uniqueName } from '../../setup/database.js';
import { waitFor } from './blocked-migration.js';
import { makeTenants } from './bulk-calls.js';

/** A change of many tenants whose process is killed, and what it writes for each tenant. */
export interface KilledBulk {
  command: 'suspendTenants' | 'resumeTenants' | 'updateTenants' | 'subscribeTenants';
  input: object;
  before: string;
  /** Kind in the audit log of the change of each tenant. */
  change: string;
  /** How many tenants it changes: a whole batch and a part of the next one. */
  size: number;
}

export const killedBulks: KilledBulk[] = [
  {
    command: 'suspendTenants',
    input: { reason: 'unpaid' },
    before: 'active',
    change: 'tenant.suspended',
    size: 103,
  },
  { command: 'resumeTenants', input: {}, before: 'suspended', change: 'tenant.resumed', size: 103 },
  { command: 'updateTenants', input: { plan: 'PRO' }, before: 'active', change: 'tenant.updated', size: 103 },
  {
    command: 'subscribeTenants',
    input: { module: 'alpha' },
    before: 'active',
    change: 'subscription.activated',
    size: 28,
  },
];

/** The statements that the change consists of when nothing interrupts it. */
export async function recordBulk(
  environment: TestEnvironment,
  victims: Victims,
  bulk: KilledBulk,
): Promise<Point[]> {
  const { slugs } = await arrange(environment, bulk);
  const words = await victims.send(orderOf(bulk, slugs, undefined));
  if (!words || words.error)
    throw new Error(`${bulk.command} fails without an interruption: ${words?.error}`);
  await finish(environment);
  return words.points;
}

/** Kills the process at one statement and lets another process go on. Returns the problems that are left. */
export async function killBulk(
  environment: TestEnvironment,
  victims: Victims,
  bulk: KilledBulk,
  interruption: Interruption,
): Promise<string[]> {
  const { size } = bulk;
  const { ids, slugs } = await arrange(environment, bulk);
  const words = await victims.send(orderOf(bulk, slugs, interruption));
  const problems = wasInterrupted(interruption, words) ? [] : ['was not interrupted'];
  await finish(environment);
  const operations = await environment.psql<{ id: string; status: string; succeeded: number }>(
    `SELECT id, status::text, tenants_succeeded AS succeeded FROM operations
     WHERE id IN (SELECT operation_id FROM operation_tenants WHERE tenant_id = ANY ($1::uuid[]))`,
    [ids],
  );
  // Killed before the operation was committed: then nothing at all has happened.
  const expected = operations.length === 0 ? 0 : size;
  const [counted] = await environment.psql<{
    entries: number;
    tenants: number;
    results: number;
    ended: number;
  }>(
    `SELECT count(*)::int AS entries, count(DISTINCT tenant_id)::int AS tenants,
       (SELECT count(*)::int FROM operation_tenants WHERE tenant_id = ANY ($1::uuid[]) AND status = 'succeeded') AS results
     FROM registry_change WHERE tenant_id = ANY ($1::uuid[]) AND kind = $2`,
    [ids, bulk.change],
  );
  for (const [what, number] of Object.entries(counted ?? {}))
    if (number !== expected) problems.push(`${number} ${what} instead of ${expected}`);
  for (const { status, succeeded } of operations)
    if (status !== 'succeeded' || succeeded !== size) problems.push(`ended ${status} with ${succeeded}`);
  return problems;
}

async function arrange(environment: TestEnvironment, { before, size }: KilledBulk) {
  const statuses = Array.from({ length: size }, () => before);
  const tenants = await makeTenants(environment, statuses, { prefix: uniqueName('k') });
  return { ids: tenants.map(({ id }) => id), slugs: tenants.map(({ slug }) => slug) };
}

function orderOf(
  { command, input }: KilledBulk,
  tenantIds: readonly string[],
  interruption: Interruption | undefined,
) {
  return { slug: '', command, input: { tenantIds, ...input }, interruption, goesOn: false };
}

/** The storage of many tenants takes long on a slow machine. */
const patienceMs = 120_000;

/** Runs what is due, as a worker does, until no operation is left. */
async function finish({ app, psql }: TestEnvironment): Promise<void> {
  const own = { ...app.commandsFor(gatewayCaller), caller: { ...developer, actor: gatewayCaller.actor } };
  await waitFor(async () => {
    const due = await listDueOperations(own, app.config.takeOverAfterMs, 100);
    await Promise.allSettled(due.map(({ id }) => own.runOperation(id)));
    const left = await psql(`SELECT FROM operations WHERE status IN ('queued', 'running', 'compensating')`);
    return left.length === 0;
  }, patienceMs);
}
