import { medianOf } from '../compare/summary.js';
import type { Gateway } from '../registry/gateway.js';
import type { Question } from './pages.js';

export interface PageFigure {
  group: string;
  name: string;
  /** Median; undefined when the gateway refused or gave up. */
  ms: number | undefined;
  problem: string | undefined;
}

const calls = 5;
/** A page that takes longer is asked for once: the figure is plain enough. */
const slowMs = 1_000;

export async function timePage(
  gateway: Gateway,
  { group, name, ...question }: Question,
): Promise<PageFigure> {
  const times: number[] = [];
  try {
    // The first call warms up: query plans, and pages of the tables in memory.
    for (let call = 0; call <= calls; call++) {
      const startedAt = performance.now();
      await gateway.ask(question.query, question.variables);
      const ms = performance.now() - startedAt;
      if (call > 0) times.push(ms);
      else if (ms > slowMs) return { group, name, ms, problem: undefined };
    }
  } catch (error) {
    return { group, name, ms: undefined, problem: error instanceof Error ? error.message : String(error) };
  }
  return { group, name, ms: medianOf(times), problem: undefined };
}

/** Milliseconds of suspending and resuming a tenant, each acknowledged by every gateway; medians. */
export async function timeSuspension(gateway: Gateway): Promise<{ suspendMs: number; resumeMs: number }> {
  const tenantId = 'tenant-00000001';
  const suspend = `mutation ($input: SuspendTenantInput!) { suspendTenant(input: $input) { revision } }`;
  const resume = `mutation ($input: ResumeTenantInput!) { resumeTenant(input: $input) { revision } }`;
  const [suspended, resumed]: [number[], number[]] = [[], []];
  const time = async (times: number[], mutation: string, input: object) => {
    const startedAt = performance.now();
    await gateway.ask(mutation, { input });
    times.push(performance.now() - startedAt);
  };
  for (let round = 0; round < calls; round++) {
    await time(suspended, suspend, { tenantId, reason: 'bench', wait: 'GATEWAYS' });
    await time(resumed, resume, { tenantId, wait: 'GATEWAYS' });
  }
  return { suspendMs: medianOf(suspended), resumeMs: medianOf(resumed) };
}
