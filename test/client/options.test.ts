import { describe, expect, onTestFinished, test } from 'vitest';
import {
  createTenantRegistry,
  TenantRegistryError,
  type TenantRegistryOptions,
} from '../../src/client/index.js';
import { withTenant as withPrisma } from '../../src/client/prisma.js';

const valid = { url: 'http://127.0.0.1:1', module: 'finance', hints: false, timeoutMs: 50 };

/** As a caller in JavaScript passes them. */
function create(options: unknown) {
  const registry = createTenantRegistry(options as TenantRegistryOptions);
  onTestFinished(() => registry.close());
  return registry;
}

function refusalOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof TenantRegistryError) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'not refused';
}

const wrong: [option: string, value: unknown, problem: string][] = [
  ['url', 4000, 'expected a URL such as https://registry.internal:4000, or an array of URLs, got a number'],
  ['url', null, 'or an array of URLs, got null'],
  ['url', 'trk_0123456789abcdef', 'the value is not the URL of a gateway'],
  ['url', 'http://a:4000/?token=trk_0', '"http://a:4000/" has a query or a fragment'],
  ['url', '', '"" is not the URL of a gateway'],
  ['url', [], 'expected the URL of at least one gateway'],
  ['url', ['http://a:4000', 1], 'got a number'],
  ['url', 'registry.internal', '"registry.internal" is not the URL of a gateway'],
  ['url', 'registry.internal:4000', 'is not the URL of a gateway'],
  ['url', 'ftp://registry.internal', 'is not the URL of a gateway'],
  ['url', 'http://a:4000,,http://b:4000', '"" is not the URL of a gateway'],
  ['url', 'http://user:hunter2@registry:4000', 'a user or password in the URL is not used'],
  ['url', 'user:hunter2@registry', 'a user or password in the URL is not used'],
  ['url', 'http://registry:4000/?key=1', 'has a query or a fragment'],
  ['apiKey', 7, 'expected a string, got a number'],
  ['apiKey', null, 'expected a string, got null'],
  ['apiKey', 'trk_hunter2\n', 'contains a space, a line break or another character that no key has'],
  ['apiKey', 'Bearer trk_hunter2', 'contains a space'],
  ['module', 7, 'expected the name of a module such as finance, got a number'],
  ['module', 'trk_0123-ABCD', 'the value is not a module name'],
  ['module', '', '"" is not a module name'],
  ['module', 'Finance', '"Finance" is not a module name such as finance'],
  ['module', 'x'.repeat(32), 'is not a module name'],
  ['minMigration', 7, 'expected the name of a migration such as 0007_invoices.sql, got a number'],
  ['minMigration', null, 'got null'],
  ['minMigration', '', '"" is not the name of a migration of the module'],
  ['minMigration', '_every/0001', '"_every/0001" is not the name of a migration of the module'],
  ['minMigration', 'a/b/0001', 'is not the name of a migration'],
  ['maxTenants', 0, 'expected a number of 1 to 16777216, got 0'],
  ['maxTenants', 2 ** 24 + 1, 'got 16777217'],
  ['maxTenants', '100', 'got a string'],
  ['maxTenants', Number.NaN, 'got NaN'],
  ['timeoutMs', 0, 'expected a number of 1 to 2147483647, got 0'],
  ['timeoutMs', 2 ** 31, 'got 2147483648'],
  ['timeoutMs', Number.POSITIVE_INFINITY, 'got Infinity'],
  ['timeoutMs', '2000', 'got a string'],
  ['serveStaleMs', -1, 'expected a number of 0 or more, got -1'],
  ['serveStaleMs', '15m', 'got a string'],
  ['maxDatabasePools', 0, 'expected a number of 1 or more, got 0'],
  ['maxDatabasePools', [], 'got an array'],
  ['databasePool', 'postgres://x', 'expected a function, got a string'],
  ['databasePool', {}, 'expected a function, got an object'],
  ['readSecret', true, 'expected a function, got a boolean'],
  ['traceHeaders', { traceparent: '00-1-2-01' }, 'expected a function, got an object'],
  ['secretNames', 'SUPABASE_URL', 'expected an array of names of variables, got a string'],
  ['secretNames', ['SUPABASE-URL'], '"SUPABASE-URL" is not the name of a variable'],
  ['secretNames', [7], 'expected names of variables, got a number'],
  ['secretNames', [undefined], 'expected names of variables, got undefined'],
  ['secretNames', ['trk_0-A'], 'the value is not the name of a variable'],
  ['hints', 'no', 'expected true or false, got a string'],
  ['hints', 0, 'got a number'],
  ['tenantId', 'acme', 'unknown option; the options are url, apiKey, module, minMigration, maxTenants'],
  ['urls', ['http://a:4000'], 'unknown option'],
  ['apikey', 'trk_hunter2', 'unknown option'],
];

describe('createTenantRegistry refuses', () => {
  test.each(wrong)('%s: %j', (option, value, problem) => {
    const refusal = refusalOf(() => create({ ...valid, [option]: value }));
    expect(refusal).toMatch(/^VALIDATION_ERROR createTenantRegistry: /);
    expect(refusal).toContain(`${option}: `);
    expect(refusal).toContain(problem);
    expect(refusal).not.toContain('hunter2');
  });

  test.each([
    [undefined, 'expected an object of options, got undefined'],
    [null, 'expected an object of options, got null'],
    ['http://localhost:4000', 'expected an object of options, got a string'],
    [[], 'expected an object of options, got an array'],
    [{}, 'url: this option is required; module: this option is required'],
    [{ url: valid.url }, 'module: this option is required'],
    [{ module: 'finance', url: undefined }, 'url: this option is required'],
    [
      { url: 'x', modul: 'finance' },
      'module: this option is required; url: "x" is not the URL of a gateway, such as https://registry.internal:4000; modul: unknown option',
    ],
  ])('%j, and names every option', (options, message) => {
    expect(refusalOf(() => create(options))).toContain(`VALIDATION_ERROR createTenantRegistry: ${message}`);
  });
});

test('every option is tested, and may be undefined', () => {
  const refusal = refusalOf(() => create({ ...valid, other: 1 }));
  const names = /the options are (.*)$/.exec(refusal)?.[1]?.split(', ') ?? [];
  expect(names.filter((name) => !wrong.some(([option]) => option === name))).toEqual([]);
  const absent = Object.fromEntries(names.map((name) => [name, undefined]));
  expect(refusalOf(() => create({ ...absent, ...valid }))).toBe('not refused');
});

test.each([
  ['several URLs in one text', { url: 'http://a:4000, http://b:4000/graphql' }],
  ['a readonly list of URLs', { url: Object.freeze(['http://a:4000']) }],
  ['a URL with a path', { url: 'https://platform.internal/registry/graphql' }],
  ['a URL with letters of another script', { url: 'http://müller.internal:4000' }],
  ['an empty key, as of a variable without a value', { apiKey: '' }],
  ['stale routes for ever', { serveStaleMs: Number.POSITIVE_INFINITY }],
])('createTenantRegistry accepts %s', (_what, options) => {
  expect(refusalOf(() => create({ ...valid, ...options }))).toBe('not refused');
});

describe('the other functions refuse', () => {
  const registry = () => create(valid);
  const never = () => Promise.reject(new Error('the work ran'));
  const prisma = { $transaction: never };
  const pool = { connect: never };
  // Types refuse these; a caller in JavaScript passes them.
  const misspelt = { claims: () => 'acme', readonly: true, logger: () => undefined } as object;
  test.each<[what: string, call: () => unknown, problem: string]>([
    [
      'an unknown option of middleware',
      () => registry().middleware(misspelt),
      'middleware: claims: unknown option',
    ],
    [
      'a wrong option of middleware',
      () => registry().middleware({ claim: 'acme' } as never),
      'claim: expected a function',
    ],
    ['an unknown option of fastify', () => registry().fastify(misspelt), 'fastify: claims: unknown option'],
    [
      'a wrong option of fastify',
      () => registry().fastify({ claim: true } as never),
      'claim: expected a function',
    ],
    [
      'an unknown option of errorHandler',
      () => registry().errorHandler(misspelt),
      'errorHandler: claims: unknown option',
    ],
    [
      'a wrong option of errorHandler',
      () => registry().errorHandler({ log: 1 } as never),
      'log: expected a function',
    ],
    [
      'an unknown option of withTenant',
      () => registry().withTenant(pool, 'acme', never, misspelt),
      'readonly: unknown option',
    ],
    [
      'SQL as an isolation level',
      () => registry().withTenant(pool, 'acme', never, { isolation: 'SERIALIZABLE; DROP TABLE x' } as never),
      'isolation: expected READ COMMITTED, REPEATABLE READ, SERIALIZABLE',
    ],
    [
      'a text as a timeout',
      () => registry().withTenant(pool, 'acme', never, { statementTimeoutMs: '5s' } as never),
      'statementTimeoutMs: expected a number',
    ],
    [
      'null as options',
      () => registry().withTenant(pool, 'acme', never, null as never),
      'expected an object of options, got null',
    ],
    [
      'a controller as a signal',
      () => registry().withTenant(pool, 'acme', never, { signal: {} } as never),
      'signal: expected an AbortSignal',
    ],
    [
      'an unknown option of Prisma’s withTenant',
      () => withPrisma(registry(), prisma, 'acme', never, misspelt),
      'readonly: unknown option',
    ],
    [
      'no tenant for resolve',
      () => registry().resolve(undefined as never),
      'tenantId: expected the id, slug or external id of a tenant, got undefined',
    ],
    [
      'no tenant for withTenant',
      () => registry().withTenant(pool, null as never, never),
      'tenantId: expected the id, slug or external id of a tenant, got null',
    ],
    [
      'a number as a tenant for config',
      () => registry().config(7 as never),
      'tenantId: expected the id, slug or external id of a tenant, got a number',
    ],
    [
      'an unknown secret',
      () => registry().secret('acme', 'DATABASE_URL' as never),
      'DATABASE_URL is not one of',
    ],
  ])('%s', async (_what, call, problem) => {
    const error = await (async () => call())().catch((error) => error);
    expect(error).toBeInstanceOf(TenantRegistryError);
    expect(error).toMatchObject({ code: 'VALIDATION_ERROR', message: expect.stringContaining(problem) });
  });
});
