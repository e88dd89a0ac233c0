import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import {
  createTenantRegistry,
  type TenantRegistry,
  TenantRegistryError,
  type TenantRegistryOptions,
} from '../../src/client/index.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';
import { until } from '../setup/until.js';
import { once } from './support/client-outcomes.js';
import { aRoute } from './support/stand-in-gateway.js';

let gateway: TestGateway;
let acme: StoryTenant;
let keys: Record<'finance' | 'operations' | 'everything', string>;
beforeAll(async () => {
  gateway = await openGateway({ authMode: 'required' });
  keys = {
    finance: await gateway.createKey('resolve:finance'),
    operations: await gateway.createKey('resolve:operations'),
    everything: await gateway.createKey('resolve:*', 'registry:read', 'registry:write', 'provision'),
  };
  const { ask } = gateway;
  gateway.ask = (query, variables, options) => ask(query, variables, { key: keys.everything, ...options });
  acme = await aTenant().subscribedTo('finance').at(gateway);
});
afterAll(() => gateway?.close());

/** A client with a listener, and one without, whose warnings the process emits. */
async function connect(options: Partial<TenantRegistryOptions>, isHeard: boolean) {
  const registry = createTenantRegistry({ url: gateway.url, module: 'finance', ...options });
  onTestFinished(() => registry.close());
  const reports: string[] = [];
  const add = (error: unknown) =>
    reports.push(`${(error as { code?: string }).code} ${(error as Error).message}`);
  const warned = (warning: Error) => void (warning.name === 'TenantRegistryWarning' && add(warning));
  if (isHeard) registry.on('error', add);
  else {
    process.on('warning', warned);
    onTestFinished(() => void process.off('warning', warned));
  }
  return { registry, reports };
}

const faults: [what: string, options: () => Partial<TenantRegistryOptions>, code: string, told: RegExp][] = [
  [
    'a missing key',
    () => ({}),
    'UNAUTHENTICATED',
    /^UNAUTHENTICATED The registry requires an API key, and the option apiKey is not set: create a key with "npx tenant-registry keys create --name <service> --scopes resolve:finance"/,
  ],
  ['an empty key', () => ({ apiKey: '' }), 'UNAUTHENTICATED', /the option apiKey is not set/],
  [
    'a wrong key',
    () => ({ apiKey: 'trk_wrong' }),
    'UNAUTHENTICATED',
    /^UNAUTHENTICATED The registry rejects the key in the option apiKey \(The API key is unknown, revoked or expired\): check the variable .* --scopes resolve:finance"/,
  ],
  [
    'a key without the scope',
    () => ({ apiKey: keys.operations }),
    'FORBIDDEN',
    /^FORBIDDEN The key in the option apiKey lacks a scope \(.*resolve:finance\): correct the option module \("finance"\), or create a key with .* --scopes resolve:finance"/,
  ],
  [
    'an unknown module',
    () => ({ apiKey: keys.everything, module: 'finanse' }),
    'MODULE_NOT_FOUND',
    /^MODULE_NOT_FOUND The registry has no module "finanse": correct the option module/,
  ],
];

describe.each([
  ['as an event', true],
  ['as a warning of the process where nothing listens', false],
])('the client itself reports once, %s,', (_how, isHeard) => {
  test.each(faults)('%s', async (_what, options, code, told) => {
    const { registry, reports } = await connect(options(), isHeard);
    for (let call = 0; call < 10; call++) {
      const error = await registry.resolve(acme.id).catch((error) => error);
      expect(error).toBeInstanceOf(TenantRegistryError);
      expect(`${error.code} ${error.message}`).toMatch(told);
      expect(error.message).not.toMatch(/cannot be (asked|reached)|trk_|https?:/);
    }
    await until(async () => reports.length > 0);
    expect(reports).toEqual([expect.stringMatching(told)]);
    expect(reports[0]).toMatch(new RegExp(`^${code} `));
    expect(reports[0]).not.toMatch(/trk_|https?:/);
  });
});

/** A gateway that answers every request with one status; 200: as a gateway does. */
async function openDoor() {
  const door = { requests: 0, status: 401, url: '' };
  const server = createServer(async (request, response) => {
    const { has, variables } = (await json(request)) as {
      has?: string;
      variables?: { keys?: { id: string }[] };
    };
    if (door.status === 200) {
      const { revision } = aRoute('');
      const lease = { revision, leaseRemainingMs: 300, changed: has === revision ? [] : null };
      const data = { tenantSchemas: variables?.keys?.map(({ id }) => aRoute(id)) };
      return response.end(JSON.stringify(request.url === '/lease' ? lease : { data }));
    }
    if (request.headers.accept !== 'text/event-stream') door.requests++;
    const code = door.status === 401 ? 'UNAUTHENTICATED' : 'RATE_LIMITED';
    response.writeHead(door.status, {
      'content-type': 'application/json',
      ...(door.status === 429 && { 'retry-after': '60' }),
    });
    response.end(JSON.stringify({ errors: [{ message: 'no', extensions: { code } }] }));
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  door.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return door;
}

test('while a key is rejected, calls fail without a request each, and a limit of the rate does not hide the reason', async () => {
  const door = await openDoor();
  const { registry, reports } = await connect({ url: door.url, apiKey: 'trk_wrong', hints: false }, true);
  const codes = new Set<string>();
  for (let call = 0; call < 100; call++) await registry.resolve(acme.id).catch(({ code }) => codes.add(code));
  expect(door.requests).toBeLessThan(5);
  door.status = 429;
  const before = door.requests;
  await until(async () => door.requests > before);
  for (let call = 0; call < 10; call++) await registry.resolve(acme.id).catch(({ code }) => codes.add(code));
  expect([...codes]).toEqual(['UNAUTHENTICATED']);
  expect(reports).toHaveLength(1);
});

test('a key that is wrong is reported although an outage was reported before', async () => {
  const door = await openDoor();
  door.status = 503;
  const { registry, reports } = await connect({ url: door.url, apiKey: 'trk_wrong', hints: false }, true);
  await registry.resolve(acme.id).catch(() => undefined);
  door.status = 401;
  await until(async () => reports.length === 2);
  expect(reports[0]).toMatch(/^REGISTRY_UNAVAILABLE /);
  expect(reports[1]).toMatch(/^UNAUTHENTICATED The registry rejects the key/);
});

test('an outage is a warning of the process where nothing listens', async () => {
  const { registry, reports } = await connect({ url: 'http://127.0.0.1:1', timeoutMs: 50 }, false);
  await registry.resolve(acme.id).catch(() => undefined);
  await until(() => reports.length > 0);
  expect(reports).toEqual([
    expect.stringMatching(/^REGISTRY_UNAVAILABLE .*http:\/\/127\.0\.0\.1:1\/lease cannot be reached/),
  ]);
});

describe('a key that was right and is rejected', () => {
  const entered = (registry: TenantRegistry) =>
    registry.enter('acme', async ({ route }) => `stale: ${route.isStale}`).catch(({ code }) => code);

  async function openRight() {
    const door = await openDoor();
    door.status = 200;
    const { registry, reports } = await connect({ url: door.url, apiKey: 'trk_1', hints: false }, true);
    expect(await entered(registry)).toBe('stale: false');
    const turn = async (status: number, isIt: (outcome: string) => boolean) => {
      door.status = status;
      await until(async () => isIt(await entered(registry)));
    };
    return { door, registry, reports, turn };
  }
  const isRejected = (outcome: string) => outcome === 'UNAUTHENTICATED';

  test.each([503, 429])('is no outage in which old routes are used, around status %d', async (status) => {
    const { door, registry, turn } = await openRight();
    if (status === 503) await turn(503, (outcome) => outcome === 'stale: true');
    await turn(401, isRejected);
    if (status !== 429) return;
    const before = door.requests;
    door.status = 429;
    await until(async () => door.requests > before);
    expect(await entered(registry)).toBe('UNAUTHENTICATED');
  });

  test('is reported again after it was accepted in between', async () => {
    const { registry, reports, turn } = await openRight();
    await turn(401, isRejected);
    const isReady = once(registry, 'ready');
    await turn(200, (outcome) => outcome === 'stale: false');
    await isReady;
    await turn(401, isRejected);
    expect(reports.map((report) => report.split(' ')[0])).toEqual(['UNAUTHENTICATED', 'UNAUTHENTICATED']);
  });
});

test('a gateway that rejects the key keeps nobody from the one that accepts it', async () => {
  const rejecting = createServer((_request, response) => {
    response.writeHead(401, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ errors: [{ message: 'no', extensions: { code: 'UNAUTHENTICATED' } }] }));
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void rejecting.close());
  await new Promise((resolve) => rejecting.once('listening', resolve));
  const url = `http://127.0.0.1:${(rejecting.address() as AddressInfo).port}`;
  // The start among the gateways is random.
  for (const urls of [
    [url, gateway.url],
    [gateway.url, url],
    [url, gateway.url],
    [gateway.url, url],
  ]) {
    const { registry, reports } = await connect({ url: urls, apiKey: keys.finance }, true);
    expect((await registry.resolve(acme.id)).schemaName).toBe(`finance_${acme.slug}`);
    expect(reports).toEqual([]);
  }
});
