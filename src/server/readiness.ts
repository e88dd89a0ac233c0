import type { RegistryDatabase } from '../database/registry-database.js';
import { requireRegistryAnswer } from '../registry/availability.js';

/** Body of /ready; the status is 200 only when a request sent now would be served. */
export interface Readiness {
  ready: boolean;
  checks: { name: string; ok: boolean; reason?: string }[];
}

const checkTimeoutMs = 2_000;

export async function checkReadiness(
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
