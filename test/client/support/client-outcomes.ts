import type { TenantRegistry, TenantRegistryEvents } from '../../../src/client/index.js';
import type { TestGateway } from '../../setup/gateway.js';

/** The code of an error, or its text when it has none. */
export function codeOf(error: unknown): string {
  return (error as { code?: string }).code ?? String(error);
}

/** Waits for the next event of a client and returns its arguments. */
export async function once<Name extends keyof TenantRegistryEvents>(
  registry: TenantRegistry,
  name: Name,
): Promise<TenantRegistryEvents[Name]> {
  return (await new Promise((resolve) =>
    registry.once(name, (...args) => resolve(args)),
  )) as TenantRegistryEvents[Name];
}

/** Counts the requests that a gateway of this process answers at a path while the work runs. */
export async function countRequests(
  { app }: TestGateway,
  path: string,
  work: () => Promise<unknown>,
): Promise<number> {
  const metrics = app.gateway?.metrics;
  if (!metrics) throw new Error('no gateway');
  const { answered } = metrics;
  let count = 0;
  metrics.answered = (request) => {
    if (request.path === path) count++;
    answered(request);
  };
  try {
    await work();
  } finally {
    metrics.answered = answered;
  }
  return count;
}
