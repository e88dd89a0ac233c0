import { once as onceEvent } from 'node:events';
import { createServer, type IncomingMessage, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createTenantRegistry, type TenantRegistry } from '../../src/client/index.js';
import { codeOf } from './support/client-outcomes.js';
import {
  aRoute,
  openStandInGateway,
  type StandInGateway,
  type StandInRoute,
} from './support/stand-in-gateway.js';

/** A client that is closed when the test ends. */
function connect(url: string | string[], options: { timeoutMs?: number } = {}): TenantRegistry {
  const registry = createTenantRegistry({ url, module: 'finance', hints: false, timeoutMs: 300, ...options });
  onTestFinished(() => registry.close());
  return registry;
}

describe('a route that is not the one requested', () => {
  const wrong: [what: string, fields: Partial<StandInRoute>][] = [
    ['another tenant', aRoute('globex')],
    ['another module', { module: 'operations' }],
    ['a search path with a second schema', { searchPath: '"finance_acme", public' }],
    ['a search path of another schema', { searchPath: '"finance_globex"' }],
    ['a search path without quotes', { searchPath: 'finance_acme' }],
    ['a schema name that ends the quotes', { schemaName: 'a", public, "b', searchPath: '"a", public, "b"' }],
  ];

  test.each(wrong)('%s is never returned', async (_what, fields) => {
    await using gateway = await openStandInGateway((id) => aRoute(id, fields));
    const registry = connect(gateway.url);
    expect(await registry.resolve('acme').catch(codeOf)).toBe('REGISTRY_UNAVAILABLE');
    expect((await registry.resolveMany(['acme'])).map(codeOf)).toEqual(['REGISTRY_UNAVAILABLE']);
  });

  test('makes the client ask another gateway', async () => {
    await using lying = await openStandInGateway((id) => aRoute(id, { tenantSlug: 'globex' }));
    await using honest = await openStandInGateway((id) => aRoute(id));
    const registry = connect([lying.url, honest.url]);
    expect(await registry.resolve('acme')).toMatchObject({ tenantSlug: 'acme', schemaName: 'finance_acme' });
  });

  test('a correct route is returned, which shows that the cases above can fail', async () => {
    await using gateway = await openStandInGateway((id) => aRoute(id));
    expect(await connect(gateway.url).resolve('acme')).toMatchObject({ schemaName: 'finance_acme' });
  });
});

test('clients spread over the gateways', async () => {
  const gateways: StandInGateway[] = [];
  for (let at = 0; at < 3; at++) gateways.push(await openStandInGateway((id) => aRoute(id)));
  try {
    for (let client = 0; client < 60; client++) await connect(gateways.map(({ url }) => url)).resolve('acme');
    // Each gets 20 on average; the chance that one gets none is 3 · (2/3)^60, less than one in ten billion.
    for (const { requests } of gateways) expect(requests).toBeGreaterThan(0);
  } finally {
    for (const gateway of gateways) await gateway[Symbol.asyncDispose]();
  }
});

test('a kept connection that the gateway resets when it is used again is replaced, without a failover', async () => {
  const seen = new Set<unknown>();
  const resetOnReuse = () =>
    openStandInGateway((id, _response, { socket }) => {
      // The second request on a connection is the moment at which a gateway may have closed it.
      if (seen.has(socket)) {
        socket.resetAndDestroy();
        return undefined;
      }
      seen.add(socket);
      return aRoute(id);
    });
  await using one = await resetOnReuse();
  await using two = await resetOnReuse();
  const registry = connect([one.url, two.url], { timeoutMs: 2_000 });
  for (const id of ['acme', 'globex', 'initech'])
    expect(await registry.resolve(id)).toMatchObject({ tenantSlug: id });
  expect(Math.min(one.requests, two.requests)).toBe(0);
});

test('an outage is 503 for a request whose header needs the registry though its claim is known', async () => {
  let isDown = false;
  await using gateway = await openStandInGateway((id, response) => {
    if (!isDown) return aRoute(id);
    response.writeHead(503).end(JSON.stringify({ errors: [{ message: 'down' }] }));
    return undefined;
  });
  const registry = connect(gateway.url, { timeoutMs: 100 });
  await registry.resolve('acme');
  isDown = true;
  const middleware = registry.middleware<IncomingMessage>({ claim: () => 'acme' });
  const server = createServer((request, response) => {
    void middleware(request, response, () => response.end('admitted'));
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await onceEvent(server, 'listening');
  const ask = async (header: string) => {
    const { port } = server.address() as AddressInfo;
    const request = send({ port, agent: false, headers: { 'x-tenant-id': header } }).end();
    const [response] = (await onceEvent(request, 'response')) as [IncomingMessage];
    response.resume();
    return response.statusCode;
  };
  expect(await ask('globex')).toBe(503);
  expect(await ask('acme')).toBe(200);
});
