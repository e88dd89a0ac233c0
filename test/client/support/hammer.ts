/** Service processes work for tenants while those tenants are suspended, deleted and reopened. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { mutate } from '../../setup/graphql-calls.js';
import type { HammerJob, HammerMessage } from './hammer-process.js';
import type { KillableGateways, ProvisionedTenant } from './killable-gateways.js';

export interface HammerReport {
  statements: number;
  /** Rows of a wrong tenant. */
  foreign: string[];
  /** Number of times that a tenant was closed with an acknowledgement from everywhere and reopened, by mutation. */
  closed: Record<string, number>;
  /** Number of acknowledgements that came with an open operation, since a session was still inside. */
  closedLater: number;
  /** Statements that started while their tenant was closed, with the time since the acknowledgement. */
  late: { tenant: string; closedBy: string; afterMs: number }[];
  slowestAckMs: number;
  /** Expected errors, by code. */
  refused: Record<string, number>;
  /** Errors that no service should see. */
  failed: Record<string, number>;
}

export interface HammerOptions {
  seconds: number;
  /** The run continues until tenants were closed at least this often. */
  closures?: number;
  processes?: number;
  clients?: number;
  stayers?: number;
  /** Number of statements of a long visit, about 75 ms apart. */
  stay?: number;
  connections?: number;
  /** Sometimes stops a process for longer than the staleness bound, so that it resumes with an outdated cache. */
  freezes?: boolean;
  stalenessMs: number;
}

/**
 * The time from the acknowledgement of a suspension or deletion until just before the reopening, by the database's
 * clock.
 */
interface Closure {
  tenant: number;
  closedBy: string;
  fromUs: number;
  toUs: number;
}

const administrators = 4;

/**
 * Refusals; the end of sessions that were still inside after the staleness bound; and lost leases on a machine
 * that is too slow for this many clients. This run checks safety, not availability.
 */
const expected =
  /^(TENANT_(SUSPENDED|DELETED|NOT_READY)|MODULE_NOT_SUBSCRIBED|REGISTRY_UNAVAILABLE|57P01|Error: (Connection terminated|Client has encountered a connection error))/;

export async function runHammer(fixture: KillableGateways, options: HammerOptions): Promise<HammerReport> {
  const { seconds, closures: wanted = 0, stalenessMs } = options;
  const { processes = 3, clients = 17, stayers = 4, stay = 20, connections = 10 } = options;
  const startedAtUs: number[][] = fixture.tenants.map(() => []);
  const report: HammerReport = {
    ...{ statements: 0, foreign: [], closed: {}, closedLater: 0, late: [], slowestAckMs: 0 },
    ...{ refused: {}, failed: {} },
  };
  const record = (message: HammerMessage) => {
    for (const [at, more] of message.startedAtUs.entries()) for (const us of more) startedAtUs[at]?.push(us);
    report.foreign.push(...message.foreign);
    for (const [code, times] of Object.entries(message.failed)) {
      const kind = expected.test(code) ? report.refused : report.failed;
      kind[code] = (kind[code] ?? 0) + times;
    }
  };
  const { tenants, urls, key } = fixture;
  const job = {
    tenants,
    urls,
    key,
    databaseUrl: fixture.finance.url('finance'),
    clients,
    stayers,
    stay,
    connections,
  };
  const children = Array.from({ length: processes }, () => startProcess(job, record));
  const closures: Closure[] = [];
  try {
    await waitForWork(startedAtUs);
    const endsAt = Date.now() + seconds * 1_000;
    const isOver = () => Date.now() >= endsAt && closures.length >= wanted;
    await Promise.all([
      ...Array.from({ length: administrators }, (_, at) =>
        closeAndReopen(fixture, at, { isOver, report, closures }),
      ),
      ...(options.freezes ? [freezeNowAndThen(children, isOver, 2 * stalenessMs)] : []),
    ]);
    for (const child of children) child.send('over');
    await Promise.all(children.map((child) => once(child, 'exit')));
  } finally {
    for (const child of children) child.kill('SIGKILL');
  }
  for (const { tenant, closedBy, fromUs, toUs } of closures)
    for (const us of startedAtUs[tenant] ?? [])
      if (us > fromUs && us < toUs)
        report.late.push({ tenant: slugOf(tenants, tenant), closedBy, afterMs: (us - fromUs) / 1_000 });
  report.statements = startedAtUs.reduce((sum, one) => sum + one.length, 0);
  return report;
}

function startProcess(job: HammerJob, record: (message: HammerMessage) => void): ChildProcess {
  const child = fork(new URL('./hammer-process.ts', import.meta.url), { execArgv: ['--import', 'tsx'] });
  child.on('message', (message) => record(message as HammerMessage));
  child.send(job);
  const end = () => void child.kill('SIGKILL');
  process.once('exit', end);
  child.once('exit', () => process.off('exit', end));
  return child;
}

async function waitForWork(startedAtUs: readonly number[][]): Promise<void> {
  while (startedAtUs.some((one) => one.length < 10)) await delay(50);
}

interface ClosingOptions {
  isOver: () => boolean;
  report: HammerReport;
  closures: Closure[];
}

/** Closes and reopens tenants of its share, one at a time. */
async function closeAndReopen(
  fixture: KillableGateways,
  share: number,
  { isOver, report, closures }: ClosingOptions,
): Promise<void> {
  const mine = fixture.tenants.map((_, at) => at).filter((at) => at % administrators === share);
  const pool = fixture.openPool(1);
  while (!isOver()) {
    const tenant = mine[Math.floor(Math.random() * mine.length)] as number;
    const { id: tenantId } = fixture.tenants[tenant] as ProvisionedTenant;
    const [close, reopen] =
      Math.random() < 0.7 ? ['suspendTenant', 'resumeTenant'] : ['deleteTenant', 'restoreTenant'];
    const gateway = () => fixture.gateway(Math.random() < 0.5 ? 'A' : 'B');
    const input = { tenantId, wait: 'EVERYWHERE' };
    const reason = close === 'suspendTenant' && { reason: 'unpaid' };
    const sentAt = performance.now();
    const { result } = await mutate(gateway(), close, { ...input, ...reason }, 'operation { id status }');
    report.slowestAckMs = Math.max(report.slowestAckMs, performance.now() - sentAt);
    if (!result) throw new Error(`${close} was refused`);
    // The mutation waits at most the staleness bound for sessions inside, then returns the open operation.
    if (result.operation && result.operation.status !== 'SUCCEEDED') {
      report.closedLater++;
      await waitForOperation(fixture, result.operation.id);
    }
    const fromUs = await readClock(pool);
    await delay(Math.random() * 300);
    const toUs = await readClock(pool);
    closures.push({ tenant, closedBy: close, fromUs, toUs });
    report.closed[close] = (report.closed[close] ?? 0) + 1;
    const opened = await mutate(gateway(), reopen, input);
    if (!opened.result) throw new Error(`${reopen} was refused: ${opened.codes}`);
    await delay(Math.random() * 300);
  }
}

async function waitForOperation(fixture: KillableGateways, id: string): Promise<void> {
  for (;;) {
    const { data } = await fixture
      .gateway('A')
      .ask('query ($id: ID!) { operation(id: $id) { status } }', { id });
    if (data.operation.status === 'SUCCEEDED') return;
    await delay(20);
  }
}

/** The clock that also times the statements. */
async function readClock(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query('SELECT extract(epoch FROM clock_timestamp())::float8 * 1e6 AS us');
  return rows[0].us;
}

async function freezeNowAndThen(
  children: readonly ChildProcess[],
  isOver: () => boolean,
  forMs: number,
): Promise<void> {
  while (!isOver()) {
    const child = children[Math.floor(Math.random() * children.length)];
    await delay(1_000 + Math.random() * 2_000);
    child?.kill('SIGSTOP');
    await delay(forMs);
    child?.kill('SIGCONT');
  }
}

function slugOf(tenants: readonly ProvisionedTenant[], at: number): string {
  return tenants[at]?.slug ?? `${at}`;
}
