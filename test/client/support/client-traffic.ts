/** Continuous calls as services make them, counted by outcome, to see the effect of an outage on callers. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import type { TenantRegistry } from '../../../src/client/index.js';
import { codeOf } from './client-outcomes.js';
import { ownerOf } from './gateway-with-tenants.js';
import type { KillableGateways, ProvisionedTenant } from './killable-gateways.js';

const kinds = ['withTenant', 'resolve', 'resolve of an unknown tenant'] as const;

type Kind = (typeof kinds)[number];

export interface Tally {
  done: number;
  /** The kind of each failure: the code of an error, or a description of a wrong answer. */
  failed: Record<string, number>;
  slowestMs: number;
  /** The longest time in which a client had no successful call of this kind, in milliseconds. */
  longestPauseMs: number;
  /** The same, from the last mark on where the pause began before it. */
  pauseAfterMarkMs: number;
  /** The text of the last error. */
  lastError?: string;
}

/** Whether a kind of failure is a wrong answer and no error. */
export const isWrong = (kind: string) => kind.startsWith('the ');

export interface Traffic {
  /** Returns the counts since the last call. */
  take(): Record<Kind, Tally>;
  /** Says that what services wait for is there from now on. */
  mark(): void;
  stop(): Promise<void>;
}

/** Starts a loop for each client and each kind of call. */
export function startTraffic(
  { tenants }: Pick<KillableGateways, 'tenants'>,
  clients: readonly TenantRegistry[],
  pool: pg.Pool,
): Traffic {
  let isOver = false;
  let tallies = openTallies();
  let markedAt = Number.NEGATIVE_INFINITY;
  const work: Record<Kind, (client: TenantRegistry, tenant: ProvisionedTenant) => Promise<string>> = {
    async withTenant(client, { id, slug }) {
      const owner = await client.withTenant(pool, id, ownerOf);
      return owner === slug ? 'right' : `the tables of ${owner}`;
    },
    async resolve(client, { id, slug }) {
      const { tenantSlug } = await client.resolve(id);
      return tenantSlug === slug ? 'right' : `the route of ${tenantSlug}`;
    },
    // No client can have it cached, so each call is a request to a gateway.
    async 'resolve of an unknown tenant'(client) {
      const answer = await client.resolve(randomUUID()).catch(codeOf);
      return answer === 'TENANT_NOT_FOUND' ? 'right' : `${answer}`;
    },
  };
  const loops: { kind: Kind; doneAt: number }[] = [];
  const notePause = ({ kind, doneAt }: (typeof loops)[number]) => {
    const tally = tallies[kind];
    const now = performance.now();
    tally.longestPauseMs = Math.max(tally.longestPauseMs, now - doneAt);
    tally.pauseAfterMarkMs = Math.max(tally.pauseAfterMarkMs, now - Math.max(doneAt, markedAt));
  };
  const running = clients.flatMap((client) =>
    kinds.map(async (kind) => {
      const loop = { kind, doneAt: performance.now() };
      loops.push(loop);
      while (!isOver) {
        const tenant = tenants[Math.floor(Math.random() * tenants.length)] as ProvisionedTenant;
        const startedAt = performance.now();
        let lastError: string | undefined;
        const outcome = await work[kind](client, tenant).catch((error) => {
          lastError = String(error);
          return codeOf(error);
        });
        const tally = tallies[kind];
        tally.slowestMs = Math.max(tally.slowestMs, performance.now() - startedAt);
        if (lastError !== undefined) tally.lastError = lastError;
        if (outcome === 'right') {
          notePause(loop);
          loop.doneAt = performance.now();
          tally.done++;
        } else tally.failed[outcome] = (tally.failed[outcome] ?? 0) + 1;
        await delay(5 + Math.random() * 20);
      }
    }),
  );
  return {
    take() {
      for (const loop of loops) notePause(loop);
      const taken = tallies;
      tallies = openTallies();
      return taken;
    },
    mark() {
      markedAt = performance.now();
    },
    async stop() {
      isOver = true;
      await Promise.all(running);
    },
  };
}

function openTallies(): Record<Kind, Tally> {
  const open = (): Tally => ({ done: 0, failed: {}, slowestMs: 0, longestPauseMs: 0, pauseAfterMarkMs: 0 });
  return { withTenant: open(), resolve: open(), 'resolve of an unknown tenant': open() };
}
