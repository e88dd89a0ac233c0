import type { ServerResponse } from 'node:http';
import type { App } from '../app.js';
import type { RegistryDatabase } from '../database/registry-database.js';
import { requireRegistryAnswer, requireWritableRegistry } from '../registry/availability.js';
import { asRegistryError } from '../registry/database-failure.js';
import { listModulesNotReady } from '../registry/module-record.js';
import { within } from '../within.js';
import { sendJson } from './send.js';

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
export async function answerReady(
  response: ServerResponse,
  { app, isStopping, showsChecks, checks }: ReadyOptions,
): Promise<void> {
  const further = checks?.() ?? [];
  const { ready, checks: all } = await checkService(app, { stopping: isStopping(), further });
  // What nobody is shown is not asked for: anybody may send this request.
  const details = showsChecks && { checks: all, ...(await checkChanges(app, ready)) };
  sendJson(response, ready ? 200 : 503, { ready, ...details });
}

async function checkService(
  { database }: Pick<App, 'database'>,
  options: { stopping: boolean; further: Check[] },
): Promise<Pick<Readiness, 'ready' | 'checks'>> {
  const checks = [
    options.stopping ? { name: 'server', ok: false, reason: 'stopping' } : { name: 'server', ok: true },
    await checkRegistry(database),
    ...options.further,
  ];
  return { ready: checks.every(({ ok }) => ok), checks };
}

async function checkChanges(
  { database, serviceDatabases }: Pick<App, 'database' | 'serviceDatabases'>,
  ready: boolean,
): Promise<Pick<Readiness, 'writes' | 'modulesNotReady'>> {
  // The registry has just answered; a failure now shows in the next check.
  const listed = ready ? listModulesNotReady(database, serviceDatabases).catch(() => []) : [];
  const writes = ready ? await checkWrites(database) : { ok: false, reason: 'the gateway is not ready' };
  const modulesNotReady = await within(checkTimeoutMs, Promise.resolve(listed), () => []);
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

async function checkRegistry(database: RegistryDatabase): Promise<Check> {
  try {
    await requireRegistryAnswer(database, checkTimeoutMs);
    return { name: 'registry database', ok: true };
  } catch (error) {
    return { name: 'registry database', ok: false, reason: (error as Error).message };
  }
}
