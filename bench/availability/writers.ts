/**
 * Writers suspend and resume tenants of their own. After each answer they ask every gateway and some services: an answer from before
 * the change is stale. The revisions that were acknowledged must be in the change log after a failover.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { TenantRegistry } from '../../src/client/index.js';
import { within } from '../../src/within.js';
import { codeOf } from '../../test/client/support/client-outcomes.js';
import { ownerOf } from '../../test/client/support/gateway-with-tenants.js';
import type { ProvisionedTenant } from '../../test/client/support/killable-gateways.js';
import { mutate } from '../../test/setup/graphql-calls.js';
import { type Name, names, type World } from './world.js';

export interface Changes {
  acknowledged: number;
  failed: Record<string, number>;
  slowestMs: number;
  /** Answers that were checked after an acknowledgement. */
  checked: number;
  /** Of these, rows that a service asked for after a suspension. */
  rows: number;
  stale: string[];
  /** The oldest answer to a change that waited for nobody: how long after its commit it was still asked for, in milliseconds. */
  oldestMs: number;
  lost: string[];
}

interface Acknowledged {
  tenantId: string;
  revision: string;
  kind: string;
}

const patienceMs = 10_000;
const askMs = 4_000;
const longestMs = 60_000;
const rowsOf = 'rows of a service';
const unreachable = /^(REGISTRY_UNAVAILABLE|UND_ERR|ECONN|EPIPE|EHOST|ENET|no answer|TypeError|status 503)/;

export interface Writers {
  take(): Changes;
  /** Compares what was acknowledged since the last call with the change log. */
  checkLog(): Promise<void>;
  stop(): Promise<void>;
}

const open = (): Changes => ({
  ...{ acknowledged: 0, failed: {}, slowestMs: 0, checked: 0, rows: 0, stale: [], oldestMs: 0, lost: [] },
});

export function startWriters(
  world: World,
  options: { random: () => number; stalenessMs: number; clients: readonly TenantRegistry[] },
): Writers {
  const { random, stalenessMs, clients } = options;
  let isOver = false;
  let changes = open();
  let unchecked: Acknowledged[] = [];
  const pick = <T>(from: readonly T[]) => from[Math.floor(random() * from.length)] as T;

  /**
   * Makes a change; undefined when it was not acknowledged. `hasGuards`: its operation has succeeded, so the guards of service databases
   * refuse rows. The mutation waits for that at most for the staleness bound.
   */
  async function change(
    tenant: ProvisionedTenant,
    isSuspension: boolean,
    wait: string,
  ): Promise<{ by: Name; hasGuards: boolean } | undefined> {
    const name = pick(names);
    const mutation = isSuspension ? 'suspendTenant' : 'resumeTenant';
    const startedAt = performance.now();
    const input = { tenantId: tenant.id, ...(isSuspension && { reason: 'bench' }), wait };
    const asked = mutate(world.gateway(name), mutation, input, 'revision operation { status }');
    const answer = await within(patienceMs, asked, () => 'no answer' as const).catch(failureOf);
    // A gateway that stands still may carry it out when it goes on, so nothing else is asked for this tenant before that.
    if (answer === 'no answer')
      await within(
        longestMs,
        asked.catch(() => undefined),
        () => undefined,
      );
    const code = typeof answer === 'string' ? answer : answer.codes[0];
    if (code !== undefined || typeof answer === 'string') {
      const what = `${mutation}: ${code}`;
      changes.failed[what] = (changes.failed[what] ?? 0) + 1;
      return undefined;
    }
    changes.acknowledged++;
    changes.slowestMs = Math.max(changes.slowestMs, performance.now() - startedAt);
    const kind = isSuspension ? 'tenant.suspended' : 'tenant.resumed';
    const { revision, operation } = answer.result;
    unchecked.push({ tenantId: tenant.id, revision, kind });
    return { by: name, hasGuards: operation === null || operation.status === 'SUCCEEDED' };
  }

  /** All that may answer: gateways, and services through their clients. */
  function askers(id: string): { who: string; ask: () => Promise<string> }[] {
    return [
      ...names.map((name) => ({ who: `gateway ${name}`, ask: () => askGateway(world, name, id) })),
      ...clients.map((client, at) => ({
        who: `service ${at}`,
        ask: () => client.resolve(id).then(() => 'a route', codeOf),
      })),
    ];
  }

  async function expectNow(
    tenant: ProvisionedTenant,
    isSuspension: boolean,
    { by, hasGuards }: { by: Name; hasGuards: boolean },
  ): Promise<void> {
    const expected = isSuspension ? 'TENANT_SUSPENDED' : 'a route';
    const asked = askers(tenant.id);
    if (isSuspension && hasGuards)
      asked.push({
        who: rowsOf,
        ask: () =>
          pick(clients)
            .withTenant(world.pool, tenant.id, ownerOf)
            .then((owner) => `rows of ${owner}`, codeOf),
      });
    await Promise.all(
      asked.map(async ({ who, ask }) => {
        const answer = await ask();
        if (unreachable.test(answer)) return;
        changes.checked++;
        if (who === rowsOf) changes.rows++;
        if (answer !== expected && changes.stale.length < 50)
          changes.stale.push(
            `${who}: ${answer} after ${isSuspension ? 'suspendTenant' : 'resumeTenant'} by ${by}`,
          );
      }),
    );
  }

  /** After a change that waited for nobody: until when answers from before it are given. */
  async function watch(tenant: ProvisionedTenant): Promise<void> {
    const committedAt = performance.now();
    await Promise.all(
      askers(tenant.id).map(async ({ who, ask }) => {
        for (;;) {
          const ageMs = performance.now() - committedAt;
          const answer = await ask();
          if (answer === 'TENANT_SUSPENDED' || ageMs > 2 * stalenessMs) return;
          if (answer !== 'a route') continue;
          changes.oldestMs = Math.max(changes.oldestMs, ageMs);
          if (ageMs > stalenessMs) {
            changes.stale.push(`${who}: a route ${Math.round(ageMs)} ms after suspendTenant, wait COMMITTED`);
            return;
          }
          await delay(10);
        }
      }),
    );
  }

  async function write(tenant: ProvisionedTenant): Promise<void> {
    for (let turn = 0; !isOver; await delay(50 + random() * 100)) {
      const isSuspension = turn % 2 === 0;
      const isWatched = turn % 8 === 4;
      const made = await change(tenant, isSuspension, isWatched ? 'COMMITTED' : 'EVERYWHERE');
      // Refused because a change without an answer has been made: it is not known who has to know it.
      turn++;
      if (made === undefined) continue;
      if (isWatched) await watch(tenant);
      else await expectNow(tenant, isSuspension, made);
    }
  }

  const running = world.changed.map(write);
  return {
    take() {
      const taken = changes;
      changes = open();
      return taken;
    },
    async checkLog() {
      const checking = unchecked;
      unchecked = [];
      const rows = await world.registry.primary.query<{ revision: string; tenant_id: string; kind: string }>(
        'SELECT revision::text, tenant_id, kind FROM registry_change WHERE revision = ANY ($1::bigint[])',
        [checking.map(({ revision }) => revision.split(':')[1])],
        'registry',
      );
      const kept = new Set(rows.map((row) => `${row.revision} ${row.kind} ${row.tenant_id}`));
      for (const { revision, kind, tenantId } of checking)
        if (!kept.has(`${revision.split(':')[1]} ${kind} ${tenantId}`))
          changes.lost.push(`${kind} of ${tenantId} at ${revision}`);
    },
    async stop() {
      isOver = true;
      await Promise.all(running);
    },
  };
}

async function askGateway(world: World, name: Name, id: string): Promise<string> {
  const query = 'query ($id: ID!) { tenantSchema(id: $id, module: "finance") { schemaName } }';
  const asked = world.gateway(name).ask(query, { id });
  const answer = await within(askMs, asked, () => 'no answer').catch(failureOf);
  if (typeof answer === 'string') return answer;
  if (answer.data?.tenantSchema?.schemaName) return 'a route';
  return answer.codes[0] ?? `status ${answer.status}`;
}

/** undici puts what happened into the cause. */
function failureOf(error: Error): string {
  return (error.cause as NodeJS.ErrnoException | undefined)?.code ?? error.message;
}
