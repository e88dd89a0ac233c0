import type { ServerResponse } from 'node:http';
import type { App } from '../app.js';
import type { RegistryDatabase } from '../database/registry-database.js';
import { requireRegistryAnswer } from '../registry/availability.js';
import { sendJson } from './send.js';

/** Body of /ready; the status is 200 only when a request sent now would be served. */
interface Readiness {
  ready: boolean;
  checks: { name: string; ok: boolean; reason?: string }[];
}

const checkTimeoutMs = 2_000;

/** Answers /ready; without `showsChecks` it says only whether the gateway is ready. */
export async function answerReady(
  response: ServerResponse,
  { app, isStopping, showsChecks }: { app: App; isStopping: () => boolean; showsChecks: boolean },
): Promise<void> {
  const { ready, checks } = await checkReadiness(app.database, { stopping: isStopping() });
  sendJson(response, ready ? 200 : 503, { ready, ...(showsChecks && { checks }) });
}

async function checkReadiness(
  database: RegistryDatabase,
  options: { stopping: boolean },
): Promise<Readiness> {
  const checks = [
    options.stopping ? { name: 'server', ok: false, reason: 'stopping' } : { name: 'server', ok: true },
    await checkRegistry(database),
  ];
  return { ready: checks.every(({ ok }) => ok), checks };
}

async function checkRegistry(database: RegistryDatabase) {
  try {
    await requireRegistryAnswer(database, checkTimeoutMs);
    return { name: 'registry database', ok: true };
  } catch (error) {
    return { name: 'registry database', ok: false, reason: (error as Error).message };
  }
}
