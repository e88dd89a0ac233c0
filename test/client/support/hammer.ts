/** Services in processes of their own work for tenants that are suspended, deleted and let in again under their hands. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { mutate } from '../../setup/graphql-calls.js';
import type { HammerOrder, HammerWord } from './hammer-process.js';
import type { City, CityTenant } from './killable-gateways.js';

export interface HammerReport {
  statements: number;
  /** Rows of a wrong tenant. */
  foreign: string[];
  /** How often a tenant was closed, acknowledged everywhere, and opened again. */
  closed: Record<string, number>;
  /** Acknowledged while somebody was still inside, which the operation in the answer said. */
  closedLater: number;
  /** Statements of a tenant that started while it was closed, at how many milliseconds after the acknowledgement. */
  late: { tenant: string; closedBy: string; afterMs: number }[];
  slowestAckMs: number;
  /** What else services were told, by its code. */
  refused: Record<string, number>;
  /** Errors that no service should see. */
  failed: Record<string, number>;
}

export interface HammerOptions {
  seconds: number;
  /** Goes on for longer until tenants were closed so often. */
  closures?: number;
  processes?: number;
  clients?: number;
  stayers?: number;
  /** How many statements a visit of theirs has, about 75 ms apart. */
  stay?: number;
  connections?: number;
  /** Stops a process for longer than D now and then, so that it goes on with what it knew before. */
  freezes?: boolean;
  stalenessMs: number;
}

/** From the acknowledgement of a suspend or delete until the tenant was about to be let in again; both by the database's clock. */
interface Closure {
  tenant: number;
  closedBy: string;
  fromUs: number;
  toUs: number;
}

const directors = 4;

/**
 * Refusals; the end of sessions that were still inside after D, as the driver says it; and what comes of leases on a machine
 * that is too slow for so many clients: it is safety that is looked at here.
 */
const expected =
  /^(TENANT_(SUSPENDED|DELETED|NOT_READY)|MODULE_NOT_SUBSCRIBED|REGISTRY_UNAVAILABLE|57P01|Error: (Connection terminated|Client has encountered a connection error))/;

export async function runHammer(city: City, options: HammerOptions): Promise<HammerReport> {
  const { seconds, closures: wanted = 0, stalenessMs } = options;
  const { processes = 3, clients = 17, stayers = 4, stay = 20, connections = 10 } = options;
  const startedAtUs: number[][] = city.tenants.map(() => []);
  const report: HammerReport = {
    ...{ statements: 0, foreign: [], closed: {}, closedLater: 0, late: [], slowestAckMs: 0 },
    ...{ refused: {}, failed: {} },
  };
  const hear = (word: HammerWord) => {
    for (const [at, more] of word.startedAtUs.entries()) for (const us of more) startedAtUs[at]?.push(us);
    report.foreign.push(...word.foreign);
    for (const [code, times] of Object.entries(word.failed)) {
      const kind = expected.test(code) ? report.refused : report.failed;
      kind[code] = (kind[code] ?? 0) + times;
    }
  };
  const { tenants, urls, key } = city;
  const order = {
    tenants,
    urls,
    key,
    databaseUrl: city.finance.url('finance'),
    clients,
    stayers,
    stay,
    connections,
  };
  const children = Array.from({ length: processes }, () => startProcess(order, hear));
  const closures: Closure[] = [];
  try {
    await waitForWork(startedAtUs);
    const endsAt = Date.now() + seconds * 1_000;
    const isOver = () => Date.now() >= endsAt && closures.length >= wanted;
    await Promise.all([
      ...Array.from({ length: directors }, (_, at) => direct(city, at, { isOver, report, closures })),
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

function startProcess(order: HammerOrder, hear: (word: HammerWord) => void): ChildProcess {
  const child = fork(new URL('./hammer-process.ts', import.meta.url), { execArgv: ['--import', 'tsx'] });
  child.on('message', (word) => hear(word as HammerWord));
  child.send(order);
  const end = () => void child.kill('SIGKILL');
  process.once('exit', end);
  child.once('exit', () => process.off('exit', end));
  return child;
}

async function waitForWork(startedAtUs: readonly number[][]): Promise<void> {
  while (startedAtUs.some((one) => one.length < 10)) await delay(50);
}

interface Direction {
  isOver: () => boolean;
  report: HammerReport;
  closures: Closure[];
}

/** Closes and opens its share of the tenants, one at a time. */
async function direct(city: City, share: number, { isOver, report, closures }: Direction): Promise<void> {
  const mine = city.tenants.map((_, at) => at).filter((at) => at % directors === share);
  const pool = city.openPool(1);
  while (!isOver()) {
    const tenant = mine[Math.floor(Math.random() * mine.length)] as number;
    const { id: tenantId } = city.tenants[tenant] as CityTenant;
    const [close, reopen] =
      Math.random() < 0.7 ? ['suspendTenant', 'resumeTenant'] : ['deleteTenant', 'restoreTenant'];
    const gateway = () => city.gateway(Math.random() < 0.5 ? 'A' : 'B');
    const input = { tenantId, wait: 'EVERYWHERE' };
    const reason = close === 'suspendTenant' && { reason: 'unpaid' };
    const sentAt = performance.now();
    const { result } = await mutate(gateway(), close, { ...input, ...reason }, 'operation { id status }');
    report.slowestAckMs = Math.max(report.slowestAckMs, performance.now() - sentAt);
    if (!result) throw new Error(`${close} was refused`);
    // It waits for those inside for no longer than D, and says so.
    if (result.operation && result.operation.status !== 'SUCCEEDED') {
      report.closedLater++;
      await waitForOperation(city, result.operation.id);
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

async function waitForOperation(city: City, id: string): Promise<void> {
  for (;;) {
    const { data } = await city
      .gateway('A')
      .ask('query ($id: ID!) { operation(id: $id) { status } }', { id });
    if (data.operation.status === 'SUCCEEDED') return;
    await delay(20);
  }
}

/** The clock that statements are timed by. */
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

function slugOf(tenants: readonly CityTenant[], at: number): string {
  return tenants[at]?.slug ?? `${at}`;
}
