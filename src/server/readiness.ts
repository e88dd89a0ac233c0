import type { ServerResponse } from 'node:http';
import type { App } from '../app.js';
import type { RegistryDatabase } from '../database/registry-database.js';
import { requireRegistryAnswer, requireWritableRegistry } from '../registry/availability.js';
import { asRegistryError } from '../registry/database-failure.js';
import { within } from '../within.js';
import { sendJson } from './answers/send.js';

/** Body of /ready; the status is 200 only when a request sent now would be served. */
interface Readiness {
  ready: boolean;
  checks: Check[];
  /** Whether changes can be made. Without them, existing routes still resolve, so this leaves `ready` as it is. */
  writes: { ok: boolean; reason?: string };
  /** Modules whose database cannot be used: their existing routes resolve, but nothing can be provisioned. */
  modulesNotReady: { name: string; reason: string }[];
}

export interface Check {
  name: string;
  ok: boolean;
  reason?: string;
}

interface ReadyOptions {
  app: App;
  isStopping: () => boolean;
  showsChecks: boolean;
  /** Further checks. */
  checks?: (() => Check[]) | undefined;
}

const checkTimeoutMs = 2_000;
/** The whole answer has to come within the second that probes usually wait. */
const writesTimeoutMs = 500;

/** Answers /ready; without `showsChecks` it says only whether the gateway is ready. */
export async function answerReady(response: ServerResponse, options: ReadyOptions): Promise<void> {
  const { app, showsChecks } = options;
  const { ready, checks } = await checkService(options);
  // What nobody is shown is not asked for: anybody may send this request.
  const details = showsChecks && { checks, ...(await checkChanges(app, ready)) };
  sendJson(response, ready ? 200 : 503, { ready, ...details });
}

/** Processes that have been ready once. */
const started = new WeakSet<App>();

/** Answers /startup: 503 until the process is ready for the first time, and 200 from then on, whatever becomes of its databases. */
export async function answerStartup(response: ServerResponse, options: ReadyOptions): Promise<void> {
  const { app, showsChecks } = options;
  if (started.has(app)) return sendJson(response, 200, { started: true });
  const { ready, checks } = await checkService(options);
  if (ready) started.add(app);
  sendJson(response, ready ? 200 : 503, { started: ready, ...(showsChecks && !ready && { checks }) });
}

async function checkService({
  app,
  isStopping,
  checks: further,
}: ReadyOptions): Promise<Pick<Readiness, 'ready' | 'checks'>> {
  const checks = [
    isStopping() ? { name: 'server', ok: false, reason: 'stopping' } : { name: 'server', ok: true },
    ...(await checkRegistry(app.database)),
    ...checkChangeLog(app),
    ...(further?.() ?? []),
  ];
  return { ready: checks.every(({ ok }) => ok), checks };
}

async function checkChanges(
  { database, modules }: Pick<App, 'database' | 'modules'>,
  ready: boolean,
): Promise<Pick<Readiness, 'writes' | 'modulesNotReady'>> {
  // The registry has just answered; a failure now shows in the next check.
  const listed = ready ? modules.listModules().catch(() => []) : [];
  const writes = ready ? await checkWrites(database) : { ok: false, reason: 'the gateway is not ready' };
  const all = await within(checkTimeoutMs, Promise.resolve(listed), () => []);
  const modulesNotReady = all.flatMap(({ name, reason }) => (reason === undefined ? [] : [{ name, reason }]));
  return { writes, modulesNotReady };
}

const running = new WeakMap<RegistryDatabase, Promise<Readiness['writes']>>();

/** Requests at the same time share a check, which takes a connection and, for a moment, the head row. */
function checkWrites(database: RegistryDatabase): Promise<Readiness['writes']> {
  const check = running.get(database) ?? takeLocks(database).finally(() => running.delete(database));
  running.set(database, check);
  return check;
}

async function takeLocks(database: RegistryDatabase): Promise<Readiness['writes']> {
  try {
    await requireWritableRegistry(database, writesTimeoutMs);
    return { ok: true };
  } catch (error) {
    return { ok: false, reason: (asRegistryError(error) ?? (error as Error)).message };
  }
}

/** Without an answer nothing is known of the migrations. */
async function checkRegistry(database: RegistryDatabase): Promise<Check[]> {
  const name = 'registry database';
  try {
    const pending = await requireRegistryAnswer(database, checkTimeoutMs);
    return [{ name, ok: true }, checkMigrations(pending)];
  } catch (error) {
    return [{ name, ok: false, reason: (error as Error).message }];
  }
}

function checkMigrations(pending: readonly string[]): Check {
  const name = 'migrations';
  if (pending.length === 0) return { name, ok: true };
  const reason = `${pending.length} pending, the first is ${pending[0]}: run "tenant-registry migrate" or restart the gateway`;
  return { name, ok: false, reason };
}

/** Without a lease every request would ask the database, and changes would wait for this gateway. */
function checkChangeLog({ gateway, config }: Pick<App, 'gateway' | 'config'>): Check[] {
  if (!gateway) return [];
  const name = 'change log';
  const { leaseRemainingMs, refusal } = gateway.freshness.follower;
  if (leaseRemainingMs > 0) return [{ name, ok: true }];
  if (refusal !== undefined) return [{ name, ok: false, reason: refusal }];
  return [
    { name, ok: false, reason: `not read for longer than STALENESS_BOUND_MS (${config.stalenessMs} ms)` },
  ];
}
