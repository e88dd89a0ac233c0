import { execFile } from 'node:child_process';
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { build } from '../../bin/build.js';
import type { TenantRegistry, TenantRegistryOptions } from '../../src/client/index.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { mutate } from '../setup/graphql-calls.js';
import { aFolder } from '../setup/process.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';
import { skips } from './installed.js';

const root = join(import.meta.dirname, '../..');

type Client = typeof import('../../src/client/index.js');

interface Service {
  url: string;
  close(): Promise<unknown>;
}

type Serve = {
  secretText: string;
  frameworks: Record<string, (registry: TenantRegistry, client: Client) => Promise<Service> | Service>;
};

const names = [
  'node:http',
  'Express 4',
  'Express 5',
  'Fastify 4',
  'Fastify 5',
  'Koa',
  'Hono',
  'NestJS on Express',
  'NestJS on Fastify',
];

/** The registry of a service: with its key, with a wrong one, or with a gateway that does not listen. */
type Situation = 'well' | 'wrong key' | 'gateway down';

let gateway: TestGateway;
let key: string;
let acme: StoryTenant;
let suspended: StoryTenant;
const services = new Map<string, Service>();
const registries: TenantRegistry[] = [];
const onWarning = () => undefined;

beforeAll(async () => {
  if (skips) return;
  expect(build(['client'])).toBe(true);
  gateway = await openGateway({ authMode: 'required' });
  key = await gateway.createKey('resolve:finance');
  const everything = await gateway.createKey('resolve:*', 'registry:read', 'registry:write', 'provision');
  const { ask } = gateway;
  gateway.ask = (query, variables, options) => ask(query, variables, { key: everything, ...options });
  acme = await aTenant().subscribedTo('finance').at(gateway);
  suspended = await aTenant().subscribedTo('finance').at(gateway);
  await mutate(gateway, 'suspendTenant', { tenantId: suspended.id, reason: 'unpaid' });
  // The built package, and frameworks that only this folder has.
  const client: Client = await import(join(root, 'dist/client/index.js'));
  const { frameworks }: Serve = await import(join(import.meta.dirname, 'serve.js'));
  expect(Object.keys(frameworks)).toEqual(names);
  const options: Record<Situation, Partial<TenantRegistryOptions>> = {
    well: { apiKey: key },
    'wrong key': { apiKey: 'trk_hunter2' },
    'gateway down': { url: 'http://127.0.0.1:1', timeoutMs: 100 },
  };
  for (const [situation, more] of Object.entries(options)) {
    const registry = client.createTenantRegistry({ url: gateway.url, module: 'finance', ...more });
    registry.on('error', onWarning);
    registries.push(registry);
    for (const [name, open] of Object.entries(frameworks))
      services.set(`${name}, ${situation}`, await open(registry, client));
  }
});
afterAll(async () => {
  await Promise.all([...services.values()].map((service) => service.close()));
  await Promise.all(registries.map((registry) => registry.close()));
  await gateway?.close();
});

/** No address, key, path or stack. */
const secrets = /\d+\.\d+\.\d+\.\d+|localhost|https?:|trk_|finance_|unpaid|ECONN|node_modules|\.js|\bat /;

interface Request {
  situation?: Situation;
  path?: string;
  headers?: Record<string, string>;
  method?: string;
  body?: string;
}

async function ask(name: string, { situation = 'well', path = '/tenant', ...init }: Request) {
  const service = services.get(`${name}, ${situation}`);
  const response = await fetch(`${service?.url}${path}`, init);
  const text = await response.text();
  return { status: response.status, headers: response.headers, text };
}

const of = (tenant: string) => ({ 'x-tenant-id': tenant });

describe.skipIf(skips).each(names)('a service with %s', (name) => {
  test('knows the tenant of the request, by its async context and by the request', async () => {
    const { status, text } = await ask(name, { headers: of(acme.slug) });
    expect([status, JSON.parse(text)]).toEqual([200, { slug: acme.slug, byRequest: acme.slug }]);
  });

  test('knows it after it has read a large body', async () => {
    const isNest = name.startsWith('NestJS');
    const body = isNest ? JSON.stringify({ text: 'x'.repeat(90_000) }) : 'x'.repeat(200_000);
    const type = isNest ? 'application/json' : 'text/plain';
    const headers = { ...of(acme.id), 'content-type': type };
    const { status, text } = await ask(name, { method: 'POST', headers, body });
    expect([Math.floor(status / 100), JSON.parse(text)]).toEqual([
      2,
      { slug: acme.slug, byRequest: acme.slug, length: body.length },
    ]);
  });

  const refusals: [what: string, request: () => Request, status: number, code: string][] = [
    ['an unknown tenant', () => ({ headers: of('nobody') }), 404, 'TENANT_NOT_FOUND'],
    ['a suspended tenant', () => ({ headers: of(suspended.id) }), 403, 'TENANT_SUSPENDED'],
    ['no header', () => ({}), 400, 'VALIDATION_ERROR'],
    ['two tenants', () => ({ headers: of(`${acme.id}, ${suspended.id}`) }), 400, 'VALIDATION_ERROR'],
    [
      'a wrong key of the service',
      () => ({ situation: 'wrong key', headers: of(acme.id) }),
      503,
      'REGISTRY_UNAVAILABLE',
    ],
    [
      'no gateway that answers',
      () => ({ situation: 'gateway down', headers: of(acme.id) }),
      503,
      'REGISTRY_UNAVAILABLE',
    ],
    [
      'a handler that throws a refusal',
      () => ({ path: '/throws/refusal', headers: of(acme.id) }),
      403,
      'TENANT_SUSPENDED',
    ],
  ];
  test.each(refusals)(
    'answers %s with status and code and without a secret',
    async (_what, request, status, code) => {
      const answer = await ask(name, request());
      expect(answer.status).toBe(status);
      expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
      expect(JSON.parse(answer.text)).toEqual({ error: { code, message: expect.any(String) } });
      expect(answer.text).not.toMatch(secrets);
      expect(answer.headers.get('retry-after')).toBe(status === 503 ? '1' : null);
    },
  );

  test('answers a handler that throws with 500 and without a secret', async () => {
    const { status, text } = await ask(name, { path: '/throws/error', headers: of(acme.id) });
    expect(status).toBe(500);
    expect(text).not.toMatch(secrets);
    expect(text.length).toBeLessThan(120);
  });
});

describe.skipIf(skips)('Jest loads the package in', () => {
  test.each([
    ['CommonJS', 'require.test.cjs', `const client = require('tenant-registry-client');`, []],
    [
      'ES modules',
      'import.test.mjs',
      `import * as client from 'tenant-registry-client';`,
      ['--experimental-vm-modules'],
    ],
  ])('%s', async (_kind, file, load, flags) => {
    const folder = await aFolder();
    await cp(join(root, 'dist/client'), join(folder, 'node_modules/tenant-registry-client'), {
      recursive: true,
    });
    await writeFile(
      join(folder, 'package.json'),
      JSON.stringify({
        jest: {
          transform: {},
          testMatch: ['**/*.test.{cjs,mjs}'],
          moduleFileExtensions: ['js', 'cjs', 'mjs', 'json'],
        },
      }),
    );
    await writeFile(
      join(folder, file),
      `${load}
      test('resolves and refuses', async () => {
        const registry = client.createTenantRegistry({ url: '${gateway.url}', apiKey: '${key}', module: 'finance' });
        expect(await registry.resolve('${acme.slug}')).toMatchObject({ tenantId: '${acme.id}' });
        await expect(registry.resolve('nobody')).rejects.toBeInstanceOf(client.TenantRegistryError);
        expect(() => client.createTenantRegistry({})).toThrow(client.TenantRegistryError);
        expect(() => registry.current()).toThrow('registry.middleware()');
        await registry.close();
      });`,
    );
    const jest = join(import.meta.dirname, 'node_modules/jest/bin/jest.js');
    const { stderr } = await promisify(execFile)(
      process.execPath,
      [...flags, jest, '--ci', '--rootDir', folder],
      {
        cwd: folder,
      },
    );
    expect(stderr).toMatch(/Tests: +1 passed, 1 total/);
    expect(stderr).not.toMatch(/did not exit|open handle/);
  });
});
