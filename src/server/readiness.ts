import type { RegistryDatabase } from '../database/registry-database.js';

/** What /ready answers: 200 only when a request sent now would be served. */
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
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${checkTimeoutMs} ms`)), checkTimeoutMs);
  });
  try {
    await Promise.race([database.pool.query('SELECT revision FROM registry_head'), timeout]);
    return { name: 'registry database', ok: true };
  } catch (error) {
    return { name: 'registry database', ok: false, reason: (error as Error).message };
  } finally {
    clearTimeout(timer);
  }
}
