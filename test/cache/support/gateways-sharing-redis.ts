/** Two gateways that share a Redis, with functions that observe them from outside. */
import { setTimeout as delay } from 'node:timers/promises';
import { uniqueName } from '../../setup/database.js';
import { openGateway, type TestGateway } from '../../setup/gateway.js';
import { resolve } from '../../setup/graphql-calls.js';
import { aTenant, type StoryTenant } from '../../setup/stories.js';
import { until } from '../../setup/until.js';

/** The breaker sends a sample at least every 5 seconds, and a connection is retried every second. */
export const recoveryMs = 20_000;

export interface GatewaysSharingRedis extends AsyncDisposable {
  one: TestGateway;
  two: TestGateway;
  /** A tenant with a subscription to finance. */
  acme: StoryTenant;
}

export async function openGatewaysSharingRedis(redisUrl: string): Promise<GatewaysSharingRedis> {
  const one = await openGateway({ config: { redisUrl } });
  const two = await openGateway({ sharing: one, config: { redisUrl } });
  const acme = await aTenant().subscribedTo('finance').at(one);
  const close = async () => {
    await two.close();
    await one.close();
  };
  return { one, two, acme, [Symbol.asyncDispose]: close };
}

/** A slug that was never requested, so that no tier has it. */
export const aStranger = () => uniqueName('stranger').replaceAll('_', '-');

/** Returns the tier in which a gateway finds the answer. */
export async function tierOf(gateway: TestGateway, id: string): Promise<string> {
  const { data } = await gateway.ask(
    'query ($id: ID!) { explainResolution(id: $id, module: "finance") { tier } }',
    { id },
  );
  return data.explainResolution.tier;
}

/** Waits until the second gateway finds in Redis what the first one reads. */
export async function isShared({ one, two }: Pick<GatewaysSharingRedis, 'one' | 'two'>): Promise<void> {
  await until(async () => {
    const stranger = aStranger();
    await resolve(one, stranger);
    await delay(20);
    return (await tierOf(two, stranger)) === 'REDIS';
  }, recoveryMs);
}

export interface Outcome {
  /** Wrong answers. */
  wrong: string[];
  /** Median time of an answer, in milliseconds; the slowest answers depend on the machine. */
  medianMs: number;
}

/** Resolves a known tenant and unknown slugs, four requests at a time, for that time. */
export async function load(
  gateways: readonly TestGateway[],
  acme: StoryTenant,
  ms: number,
): Promise<Outcome> {
  const wrong = new Set<string>();
  const times: number[] = [];
  const endAt = Date.now() + ms;
  const askOn = async (gateway: TestGateway) => {
    for (let round = 0; Date.now() < endAt; round++) {
      const isKnown = round % 2 === 0;
      const startedAt = performance.now();
      const answer = await resolve(gateway, isKnown ? acme.slug : aStranger()).catch((error) => `${error}`);
      times.push(performance.now() - startedAt);
      if (answer !== (isKnown ? `finance_${acme.slug}` : 'TENANT_NOT_FOUND')) wrong.add(answer);
    }
  };
  const clients = Array.from({ length: 4 }, (_, at) => gateways[at % gateways.length] as TestGateway);
  await Promise.all(clients.map(askOn));
  times.sort((a, b) => a - b);
  return { wrong: [...wrong], medianMs: times[times.length >> 1] ?? 0 };
}

/** Values of metrics by name and labels. */
export async function metricsOf(gateway: TestGateway): Promise<Record<string, number>> {
  const text = await (await fetch(`${gateway.url}/metrics`)).text();
  const samples = text.matchAll(/^(\w+(?:\{[^}]*\})?) (\S+)$/gm);
  return Object.fromEntries([...samples].map(([, name, value]) => [name, Number(value)]));
}

export async function isBreakerOpen(gateway: TestGateway): Promise<boolean> {
  return (await metricsOf(gateway)).tenant_registry_redis_breaker_open === 1;
}
