/** What services do all day, and what they get to see of it when something is down. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import type { TenantRegistry } from '../../../src/client/index.js';
import { codeOf } from './client-outcomes.js';
import { ownerOf } from './gateway-with-tenants.js';
import type { City, CityTenant } from './killable-gateways.js';

const kinds = ['withTenant', 'resolve', 'resolve of what nobody knows'] as const;

type Kind = (typeof kinds)[number];

export interface Tally {
  done: number;
  /** By what went wrong: the code of an error, or an answer that is not right. */
  failed: Record<string, number>;
  slowestMs: number;
}

export interface Traffic {
  /** Since the last time that it was asked for. */
  take(): Record<Kind, Tally>;
  stop(): Promise<void>;
}

/** Each client does each of it all the time, one after the other. */
export function startTraffic(
  { tenants }: Pick<City, 'tenants'>,
  clients: readonly TenantRegistry[],
  pool: pg.Pool,
): Traffic {
  let isOver = false;
  let tallies = openTallies();
  const work: Record<Kind, (client: TenantRegistry, tenant: CityTenant) => Promise<string>> = {
    async withTenant(client, { id, slug }) {
      const owner = await client.withTenant(pool, id, ownerOf);
      return owner === slug ? 'right' : `the tables of ${owner}`;
    },
    async resolve(client, { id, slug }) {
      const { tenantSlug } = await client.resolve(id);
      return tenantSlug === slug ? 'right' : `the route of ${tenantSlug}`;
    },
    // Held by no client, so that a gateway is asked each time.
    async 'resolve of what nobody knows'(client) {
      const answer = await client.resolve(randomUUID()).catch(codeOf);
      return answer === 'TENANT_NOT_FOUND' ? 'right' : `${answer}`;
    },
  };
  const running = clients.flatMap((client) =>
    kinds.map(async (kind) => {
      while (!isOver) {
        const tenant = tenants[Math.floor(Math.random() * tenants.length)] as CityTenant;
        const startedAt = performance.now();
        const outcome = await work[kind](client, tenant).catch(codeOf);
        const tally = tallies[kind];
        tally.slowestMs = Math.max(tally.slowestMs, performance.now() - startedAt);
        if (outcome === 'right') tally.done++;
        else tally.failed[outcome] = (tally.failed[outcome] ?? 0) + 1;
        await delay(5 + Math.random() * 20);
      }
    }),
  );
  return {
    take() {
      const taken = tallies;
      tallies = openTallies();
      return taken;
    },
    async stop() {
      isOver = true;
      await Promise.all(running);
    },
  };
}

function openTallies(): Record<Kind, Tally> {
  const open = (): Tally => ({ done: 0, failed: {}, slowestMs: 0 });
  return { withTenant: open(), resolve: open(), 'resolve of what nobody knows': open() };
}
