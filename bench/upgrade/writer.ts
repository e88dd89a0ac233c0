/** A writer that suspends and resumes a tenant of its own, and asks the other gateways after each answer: none may know less. */
import { setTimeout as delay } from 'node:timers/promises';
import type { GatewayName, KillableGateways } from '../../test/client/support/killable-gateways.js';
import { mutate } from '../../test/setup/graphql-calls.js';
import type { PhaseTally } from './phase.js';

export interface Writer {
  /** The gateways that run from now on; resolves when no other one is asked any more. */
  use(...running: GatewayName[]): Promise<void>;
  /** Returns the counts since the last call: changes, and answers of a gateway about a change at another one. */
  take(): Record<string, PhaseTally>;
  stop(): Promise<void>;
}

const open = (): PhaseTally => ({ done: 0, failed: {}, slowestMs: 0 });
const query = 'query ($id: ID!) { tenantSchema(id: $id, module: "finance") { schemaName } }';
const asAnswer = (error: unknown) => ({ codes: [String(error)] });

export async function startWriter(fixture: KillableGateways): Promise<Writer> {
  const first = fixture.gateway('A');
  const given = { name: 'Changed', slug: 'changed' };
  const { result } = await mutate(first, 'registerTenant', given, 'tenant { id }');
  const tenantId = result.tenant.id;
  await mutate(first, 'subscribeTenantToModule', { tenantId, module: 'finance' });
  let isOver = false;
  let running: readonly GatewayName[] = ['A', 'B'];
  let tallies = { changes: open(), answers: open() };
  const count = (tally: PhaseTally, begunAt: number, failure: string | undefined) => {
    if (failure === undefined) tally.done++;
    else tally.failed[failure] = (tally.failed[failure] ?? 0) + 1;
    tally.slowestMs = Math.max(tally.slowestMs, performance.now() - begunAt);
  };

  async function change(turn: number): Promise<void> {
    // Each gateway suspends and resumes.
    const target = running[Math.floor(turn / 2) % running.length] as GatewayName;
    const isSuspension = turn % 2 === 0;
    const mutation = isSuspension ? 'suspendTenant' : 'resumeTenant';
    const input = { tenantId, ...(isSuspension && { reason: 'bench' }) };
    const begunAt = performance.now();
    const { codes } = await mutate(fixture.gateway(target), mutation, input).catch(asAnswer);
    count(tallies.changes, begunAt, codes[0]);
    if (codes[0] !== undefined) return;
    const expected = isSuspension ? 'TENANT_SUSPENDED' : undefined;
    for (const other of running.filter((name) => name !== target)) {
      const askedAt = performance.now();
      const answer = await fixture.gateway(other).ask(query, { id: tenantId }).catch(asAnswer);
      const isRight = answer.codes[0] === expected;
      count(
        tallies.answers,
        askedAt,
        isRight ? undefined : `${answer.codes[0]} of ${other} after ${mutation} at ${target}`,
      );
    }
  }

  let turning = Promise.resolve();
  const work = (async () => {
    for (let turn = 0; !isOver; turn++, await delay(50)) {
      turning = change(turn);
      await turning;
    }
  })();
  return {
    async use(...names) {
      running = names;
      await turning;
    },
    take() {
      const { changes, answers } = tallies;
      tallies = { changes: open(), answers: open() };
      return { 'changes of tenants': changes, 'answers of another gateway': answers };
    },
    stop() {
      isOver = true;
      return work;
    },
  };
}
