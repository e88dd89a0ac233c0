import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type FastifyInstance, type FastifyRequest, fastify } from 'fastify';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createTenantRegistry, type TenantRegistry, TenantRegistryError } from '../../src/client/index.js';
import { mutate } from '../setup/graphql-calls.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';
import { type GatewayWithTenants, openGatewayWithTenants } from './support/gateway-with-tenants.js';

let fixture: GatewayWithTenants;
let acme: StoryTenant;
let globex: StoryTenant;
let suspended: StoryTenant;
let poor: StoryTenant;
let registry: TenantRegistry;
const closing: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  fixture = await openGatewayWithTenants(3);
  [acme, globex, suspended] = fixture.tenants as [StoryTenant, StoryTenant, StoryTenant];
  poor = await aTenant().at(fixture.gateway);
  await mutate(fixture.gateway, 'suspendTenant', { tenantId: suspended.id, reason: 'unpaid' });
  registry = fixture.connect();
});
afterAll(async () => {
  for (const close of closing) await close();
  await fixture?.close();
});

/** Stands in for reading a verified token. */
const claimOf = (request: Pick<IncomingMessage, 'headers'>) => request.headers['x-claim']?.toString();

/** The service's own code, which runs partly later and partly after the body was read. */
async function serve(body: string): Promise<string> {
  await delay(1);
  return JSON.stringify({ slug: registry.current().tenantSlug, body });
}

async function openHttp(of: () => TenantRegistry): Promise<string> {
  const server: Server = createServer((request, response) => {
    const middleware = of().middleware<IncomingMessage>({ claim: claimOf });
    void middleware(request, response, async (error) => {
      if (error) return response.writeHead(500).end(String(error));
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      response.end(await serve(Buffer.concat(chunks).toString()));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(async () => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function openFastify(of: () => TenantRegistry): Promise<string> {
  const app: FastifyInstance = fastify();
  app.addContentTypeParser('text/plain', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  await app.register(of().fastify<FastifyRequest>({ claim: claimOf }));
  app.all('/', async (request) => serve((request.body as string | undefined) ?? ''));
  closing.push(() => app.close());
  return app.listen({ port: 0, host: '127.0.0.1' });
}

interface Answer {
  status: number;
  headers: IncomingMessage['headers'];
  body: { slug?: string; body?: string; error?: { code: string; message: string } };
}

async function ask(url: string, headers: Record<string, string | string[]>, body = ''): Promise<Answer> {
  const request = send(url, {
    method: 'POST',
    agent: false,
    headers: { 'content-type': 'text/plain', ...headers },
  });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  return { status: response.statusCode ?? 0, headers: response.headers, body: JSON.parse(text) };
}

describe.each([
  ['node:http', openHttp],
  ['Fastify', openFastify],
])('behind the middleware for %s', (_name, open) => {
  let url: string;
  beforeAll(async () => {
    url = await open(() => registry);
  });
  const named = async (...names: string[]) => (await ask(url, { 'x-tenant-id': names })).body.error?.code;

  test('concurrent requests each see their own tenant', async () => {
    const asked = Array.from({ length: 60 }, (_, at) => (at % 2 ? acme : globex));
    const answers = await Promise.all(
      asked.map(({ id }, at) => ask(url, { 'x-tenant-id': id }, `${at}`.repeat(20_000))),
    );
    expect(answers.map(({ status, body }) => [status, body.slug, body.body?.slice(0, 2)])).toEqual(
      asked.map(({ slug }, at) => [200, slug, `${at}${at}`.slice(0, 2)]),
    );
    expect(registry.currentOrUndefined()).toBeUndefined();
  });

  test('a request must name exactly one tenant', async () => {
    expect(await named()).toBe('VALIDATION_ERROR');
    expect(await named('')).toBe('VALIDATION_ERROR');
    expect(await named(acme.id, acme.id)).toBe('VALIDATION_ERROR');
    expect(await named(acme.id, globex.id)).toBe('VALIDATION_ERROR');
    expect(await named(`${acme.id}, ${globex.id}`)).toBe('VALIDATION_ERROR');
  });

  test('a refusal has its status and a JSON body with its code', async () => {
    const answers = await Promise.all(
      [[], [suspended.slug], ['nobody'], ["'"], [poor.id]].map(async (names) => {
        const { status, headers, body } = await ask(url, { 'x-tenant-id': names });
        return [status, body.error?.code, headers['content-type'], headers['retry-after']];
      }),
    );
    const json = 'application/json; charset=utf-8';
    expect(answers).toEqual([
      [400, 'VALIDATION_ERROR', json, undefined],
      [403, 'TENANT_SUSPENDED', json, undefined],
      [404, 'TENANT_NOT_FOUND', json, undefined],
      [404, 'TENANT_NOT_FOUND', json, undefined],
      [403, 'MODULE_NOT_SUBSCRIBED', json, undefined],
    ]);
    const { body } = await ask(url, { 'x-tenant-id': suspended.id });
    expect(body).toEqual({
      error: { code: 'TENANT_SUSPENDED', message: 'The tenant is suspended' },
    });
  });

  test('the token’s claim and the header may each be an id or a slug of the same tenant', async () => {
    for (const claim of [acme.id, acme.slug, acme.id.toUpperCase()])
      for (const header of [acme.id, acme.slug, acme.id.toUpperCase()]) {
        const { status, body } = await ask(url, { 'x-tenant-id': header, 'x-claim': claim });
        expect([status, body.slug]).toEqual([200, acme.slug]);
      }
  });

  test('a header that names another tenant than the token reveals nothing about that tenant', async () => {
    for (const header of [globex.id, globex.slug, suspended.id, suspended.slug, poor.slug, 'nobody']) {
      const { status, body } = await ask(url, { 'x-tenant-id': header, 'x-claim': acme.id });
      expect([header, status, body.error?.code]).toEqual([header, 403, 'TENANT_MISMATCH']);
    }
    // A refusal of the token's own tenant is reported, whatever the header names.
    for (const header of [suspended.id, suspended.slug, acme.id]) {
      const { body } = await ask(url, { 'x-tenant-id': header, 'x-claim': suspended.slug });
      expect(body.error?.code).toBe('TENANT_SUSPENDED');
    }
  });
});

describe.each([
  ['node:http', openHttp],
  ['Fastify', openFastify],
])('while the registry cannot be asked, the middleware for %s', (_name, open) => {
  test.each([
    ['no gateway can be reached', { url: 'http://127.0.0.1:1', timeoutMs: 100 }],
    ['the service’s key is rejected', { apiKey: 'trk_wrong' }],
  ])('answers 503 when %s', async (_what, options) => {
    const lost = createTenantRegistry({ url: fixture.gateway.url, module: 'finance', ...options });
    const { status, headers, body } = await ask(await open(() => lost), { 'x-tenant-id': acme.id });
    expect([status, headers['retry-after'], body.error?.code]).toEqual([503, '1', 'REGISTRY_UNAVAILABLE']);
    await lost.close();
  });
});

describe('claim', () => {
  const claims: [what: string, claim: unknown, status: number][] = [
    ['undefined', undefined, 200],
    ['null, as of a token without a tenant', null, 200],
    ['an empty text', '', 404],
    ['a number', 7, 500],
    ['an object', { tenant: 'acme' }, 500],
  ];
  test.each(claims)('returns %s', async (_what, claim, status) => {
    const app = fastify();
    onTestFinished(() => app.close());
    // As a caller in JavaScript passes it.
    await app.register(registry.fastify({ claim: () => claim as string }));
    app.get('/', () => registry.current().tenantSlug);
    const answer = await app.inject({ url: '/', headers: { 'x-tenant-id': acme.id } });
    expect(answer.statusCode).toBe(status);
    expect(answer.body).not.toMatch(/claim:|id or slug/);
  });
});

describe('errors of a service with Fastify', () => {
  const body = { type: 'object', required: ['name'] };

  type Prepare = (app: FastifyInstance) => void;

  async function open({ before, after }: { before?: Prepare; after?: Prepare }): Promise<FastifyInstance> {
    const app = fastify();
    onTestFinished(() => app.close());
    before?.(app);
    await app.register(registry.fastify());
    after?.(app);
    app.post('/', { schema: { body } }, async () => {
      throw new Error('connect ECONNREFUSED 10.0.0.7:5432');
    });
    return app;
  }
  const post = async (app: FastifyInstance, payload: object) => {
    const answer = await app.inject({
      method: 'POST',
      url: '/',
      headers: { 'x-tenant-id': acme.id },
      payload,
    });
    return [answer.statusCode, answer.json()];
  };

  test('are answered in neutral words, except those of the end user', async () => {
    const app = await open({});
    const error = { code: 'INTERNAL_SERVER_ERROR', message: 'An unexpected error occurred' };
    expect(await post(app, { name: 'x' })).toEqual([500, { error }]);
    expect(await post(app, {})).toEqual([
      400,
      expect.objectContaining({ message: "body must have required property 'name'" }),
    ]);
  });

  const secret = 'connect ECONNREFUSED 10.0.0.7:5432';
  const texts = { type: 'object', properties: { error: { type: 'string' }, message: { type: 'string' } } };
  test.each<[what: string, thrown: unknown, schema: object, code: string]>([
    ['of a route with a schema for them', new Error(secret), { '5xx': texts }, 'INTERNAL_SERVER_ERROR'],
    [
      'that are refusals, of a route with a schema for them',
      new TenantRegistryError('TENANT_SUSPENDED', secret),
      { '4xx': texts },
      'TENANT_SUSPENDED',
    ],
    ['that are texts', secret, {}, 'INTERNAL_SERVER_ERROR'],
  ])('are answered in neutral words, %s', async (_what, thrown, response, code) => {
    const app = await open({});
    app.get('/', { schema: { response } }, async () => {
      throw thrown;
    });
    const answer = await app.inject({ url: '/', headers: { 'x-tenant-id': acme.id } });
    expect(answer.body).not.toContain(secret);
    expect(answer.json()).toMatchObject({ error: { code } });
  });

  const setOwn: Prepare = (app) =>
    void app.setErrorHandler((_error, _request, reply) => reply.code(418).send({ message: 'its own' }));

  test.each([
    ['before the plugin', { before: setOwn }],
    ['after the plugin', { after: setOwn }],
  ])('are left to the error handler that the service sets %s', async (_when, handlers) => {
    expect(await post(await open(handlers), { name: 'x' })).toEqual([418, { message: 'its own' }]);
  });

  test('are left to an error handler of the service that shows them', async () => {
    const show: Prepare = (app) =>
      void app.setErrorHandler((error, _request, reply) =>
        reply.code(502).send({ why: (error as Error).message }),
      );
    expect(await post(await open({ after: show }), { name: 'x' })).toEqual([502, { why: secret }]);
  });
});
