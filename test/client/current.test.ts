import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTenantRegistry, type TenantRegistry } from '../../src/client/index.js';
import { aRoute, openStandInGateway, type StandInGateway } from './support/stand-in-gateway.js';

let gateway: StandInGateway;
let registry: TenantRegistry;
beforeAll(async () => {
  gateway = await openStandInGateway((id) => aRoute(id));
  registry = createTenantRegistry({ url: gateway.url, module: 'finance', hints: false });
});
afterAll(async () => {
  await registry?.close();
  await gateway?.[Symbol.asyncDispose]();
});

describe('outside a request', () => {
  test.each<[what: string, call: () => unknown]>([
    ['without a request', () => registry.current()],
    ['with an object that is no request', () => registry.current({})],
    ['with a request that was not admitted', () => registry.current({ rawHeaders: ['x-tenant-id', 'acme'] })],
    ['with a Koa context that was not admitted', () => registry.current({ req: { rawHeaders: [] } })],
  ])('current throws and says what to do, %s', (_what, call) => {
    expect(call).toThrow(/registry\.middleware\(\) or registry\.fastify\(\)/);
  });

  test('currentOrUndefined returns undefined', () => {
    expect(registry.currentOrUndefined()).toBeUndefined();
    expect(registry.currentOrUndefined({})).toBeUndefined();
  });
});

/** Serves one request by node:http and returns what the work has recorded when the response has ended. */
async function serveOnce(
  work: (
    request: IncomingMessage,
    response: ServerResponse,
    record: (name: string, of?: object) => void,
  ) => void,
  tenants: readonly string[] = ['acme'],
): Promise<string[]> {
  const recorded: string[] = [];
  const closed: Promise<unknown>[] = [];
  const middleware = registry.middleware();
  const server = createServer((request, response) => {
    closed.push(once(response, 'close'));
    void middleware(request, response, () =>
      work(request, response, (name, of) => {
        recorded.push(`${name}: ${registry.currentOrUndefined(of)?.tenantSlug}`);
      }),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await Promise.all(
    tenants.map(async (tenant) => {
      const request = send({ port, method: 'POST', agent: false, headers: { 'x-tenant-id': tenant } });
      request.end(tenant.repeat(50_000));
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      response.resume();
      await once(response, 'end');
    }),
  );
  await Promise.all(closed);
  server.close();
  return recorded;
}

describe('current is the tenant of the request', () => {
  test('in listeners of the request and the response', async () => {
    const recorded = await serveOnce((request, response, record) => {
      request.once('data', () => record('data'));
      request.on('end', () => {
        record('end');
        setImmediate(() => {
          record('after end');
          response.end('done');
        });
      });
      response.on('finish', () => record('finish'));
      response.on('close', () => record('close'));
    });
    const names = ['data', 'end', 'after end', 'finish', 'close'];
    expect(recorded).toEqual(names.map((name) => `${name}: acme`));
  });

  test('in listeners of concurrent requests, each its own', async () => {
    const tenants = Array.from({ length: 20 }, (_, at) => `tenant-${at}`);
    const recorded = await serveOnce((request, response, record) => {
      const own = request.headers['x-tenant-id'] as string;
      request.resume().on('end', () => {
        record(own);
        response.end();
      });
    }, tenants);
    expect(recorded.sort()).toEqual(tenants.map((tenant) => `${tenant}: ${tenant}`).sort());
  });

  test('by the request, its response, and what frameworks make of them, in code without an async context', async () => {
    const later: (() => void)[] = [];
    const recorded = await serveOnce((request, response, record) => {
      request.resume().on('end', () => response.end());
      // A queue whose work runs in the context of another caller.
      later.push(
        () => record('request', request),
        () => record('response', response),
        () => record('Fastify', { raw: request }),
        () => record('Koa', { req: request }),
        () => record('Hono', { req: { raw: request } }),
        () => record('nothing'),
      );
    });
    for (const run of later) run();
    const names = ['request', 'response', 'Fastify', 'Koa', 'Hono'];
    expect(recorded).toEqual([...names.map((name) => `${name}: acme`), 'nothing: undefined']);
  });

  test('of the last middleware that admitted the request, everywhere', async () => {
    const recorded = await serveOnce((request, response, record) => {
      // As a service does that acts for another tenant.
      (request.rawHeaders as string[])[request.rawHeaders.indexOf('acme')] = 'globex';
      void registry.middleware()(request, response, () => {
        record('context');
        record('request', request);
        request.resume().on('end', () => {
          record('end');
          response.end();
        });
      });
    });
    expect(recorded).toEqual(['context', 'request', 'end'].map((name) => `${name}: globex`));
  });
});
