/**
 * `npx tsx bench/overload.ts [--seconds 10] [--connections 500] [--delay 250] [--only-routes]`: three times the load that fits.
 * Finds the highest rate at which nothing is refused and the p99 stays short, then sends three times that rate, and prints the
 * p99 of what is answered, as a multiple of that before, and how long refusals took. Exit code 1: a request failed in another way.
 */
import { fork } from 'node:child_process';
import { parseArgs } from 'node:util';
import type { Order, Outcome, Times } from './overload/generator.js';
import { askChild } from './registry/ask-child.js';
import { createKey, insertTenants, openEmbeddedRegistry } from './registry/embedded-registry.js';
import { startGateway } from './registry/gateway.js';
import { openUndo, type Undo } from './registry/undo.js';

const { values: given } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    connections: { type: 'string', default: '500' },
    delay: { type: 'string', default: '250' },
    'only-routes': { type: 'boolean', default: false },
  },
});
const seconds = Number(given.seconds);
const connections = Number(given.connections);
const tenants = 98;
const keysPerBatch = 50;
/** A load fits as long as its p99 is below this. */
const fittingP99Ms = 50;
/** Overload begins in this time, which is printed by itself. */
const beginSeconds = 4;
const say = (line: string) => void process.stdout.write(`${line}\n`);

const slugOf = (at: number) => `tenant-${String(1 + (at % tenants)).padStart(8, '0')}`;
const routeQuery =
  'query ($id: ID!) { tenantSchema(id: $id, module: "finance") { schemaName searchPath revision } }';
const batchQuery =
  'query ($keys: [TenantSchemaKey!]!) { tenantSchemas(keys: $keys) { ... on TenantSchema { schemaName searchPath } } }';
const listQuery = '{ tenants(first: 20) { edges { node { id slug name status plan } } } }';

/** Of ten requests seven are for one route, two for many, and one for a list. */
function bodiesOf(onlyRoutes: boolean): object[] {
  const route = (at: number) => ({ query: routeQuery, variables: { id: slugOf(at) } });
  const keys = Array.from({ length: keysPerBatch }, (_, at) => ({ id: slugOf(at), module: 'finance' }));
  const batch = { query: batchQuery, variables: { keys } };
  return Array.from({ length: 100 }, (_, at) => {
    if (onlyRoutes || at % 10 < 7) return route(at);
    return at % 10 < 9 ? batch : { query: listQuery };
  });
}

function toRequest(body: object, key: string): string {
  const text = JSON.stringify(body);
  const headers = [
    'POST /graphql HTTP/1.1',
    'host: gateway',
    'content-type: application/json',
    `authorization: Bearer ${key}`,
    `content-length: ${Buffer.byteLength(text)}`,
  ];
  return `${headers.join('\r\n')}\r\n\r\n${text}`;
}

function describe({ answered, refused, failed, open }: Outcome, time: number): string {
  const times = (name: string, { count, p50Ms, p99Ms, maxMs }: Times) =>
    `${(count / time).toFixed(0)}/s ${name}` +
    (count > 0 ? ` (p50 ${p50Ms.toFixed(1)}, p99 ${p99Ms.toFixed(1)}, at most ${maxMs.toFixed(0)} ms)` : '');
  return `${times('answered', answered)}, ${times('refused', refused)}, ${failed} failed, ${open} open at the end`;
}

async function measure(undo: Undo): Promise<boolean> {
  const registry = await openEmbeddedRegistry(undo);
  await insertTenants(registry.pool, 1, tenants);
  const key = await createKey(registry, 'registry:read,resolve:*,documents:any');
  const gateway = await startGateway(undo, {
    ...(await registry.gatewayEnv()),
    AUTH_MODE: 'required',
    SHED_DELAY_MS: given.delay,
  });
  const child = fork(new URL('./overload/generator.ts', import.meta.url), { serialization: 'advanced' });
  undo.add(() => child.kill());
  const requests = bodiesOf(given['only-routes']).map((body) => toRequest(body, key));
  const send = (order: Pick<Order, 'rate' | 'seconds'> & Partial<Order>) =>
    askChild<Outcome>(child, {
      url: gateway.url,
      requests,
      connections,
      warmUpSeconds: 0,
      ...order,
    } satisfies Order);

  await send({ rate: undefined, connections: 32, seconds: 5 });
  const closed = await send({ rate: undefined, connections: 32, seconds: 3 });
  const capacity = closed.answered.count / 3;
  say(`32 connections, each with its next request after the answer: ${describe(closed, 3)}`);

  let fitting: { rate: number; outcome: Outcome } | undefined;
  for (let part = 0.9; part > 0.1 && !fitting; part -= 0.1) {
    const rate = Math.floor(capacity * part);
    const outcome = await send({ rate, seconds: seconds + 1, warmUpSeconds: 1 });
    say(`${rate} requests/s: ${describe(outcome, seconds)}`);
    const fits = outcome.refused.count === 0 && outcome.answered.p99Ms <= fittingP99Ms;
    if (fits) fitting = { rate, outcome };
    // The next load must not meet what is left of this one.
    else await send({ rate: 10, seconds: 4 });
  }
  if (!fitting) throw new Error('no rate fits: the machine is too busy');
  const rate = 3 * fitting.rate;
  const begin = send({ rate, seconds: beginSeconds });
  say(`${rate} requests/s, the first ${beginSeconds} s: ${describe(await begin, beginSeconds)}`);
  const over = await send({ rate, seconds: seconds + 1, warmUpSeconds: 1 });
  say(`${rate} requests/s: ${describe(over, seconds)}`);
  const p99 = over.answered.p99Ms / fitting.outcome.answered.p99Ms;
  const goodput = over.answered.count / fitting.outcome.answered.count;
  say(
    `p99 of answers: ${p99.toFixed(1)} times that of the load that fits (goal: at most 3); p99 of refusals: ` +
      `${over.refused.p99Ms.toFixed(1)} ms (goal: at most 50); answers: ${goodput.toFixed(2)} of those of the load that fits`,
  );
  return fitting.outcome.failed + over.failed === 0;
}

const undo = openUndo();
try {
  process.exitCode = (await measure(undo)) ? 0 : 1;
} finally {
  await undo.run();
}
