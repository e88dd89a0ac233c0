import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTenantRegistry } from '../../src/client/index.js';
import { readConfig } from '../../src/config.js';
import { blockingStatement, blockMigrations } from '../provisioning/support/blocked-migration.js';
import { createDatabase, createRegistryDatabase, type TestDatabase, uniqueName } from '../setup/database.js';
import { aFolder, aKey, aModulesDir, type ServingProcess, serve } from '../setup/process.js';
import { openRedisServer } from '../setup/redis.js';
import { type Collector, openCollector, type ReceivedSpan } from './collector.js';

const root = join(import.meta.dirname, '../..');

let registry: TestDatabase;
let finance: TestDatabase;
let collector: Collector;
let key: string;
let env: Record<string, string>;

beforeAll(async () => {
  registry = await createRegistryDatabase();
  finance = await createDatabase();
  collector = await openCollector();
  env = { DATABASE_URL: registry.url, FINANCE_DB_URL: finance.url };
  key = await aKey(env, 'registry:read,registry:write,provision,keys:manage,resolve:*,schema:read');
});
afterAll(async () => {
  await collector?.[Symbol.asyncDispose]();
  await registry?.drop();
  await finance?.drop();
});

/** Spans are sent every 100 ms, and the rest when the process ends. */
const traced = () => ({
  ...env,
  OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
  OTEL_BSP_SCHEDULE_DELAY: '100',
});

const parentOf = (traceId: string) => ({ traceparent: `00-${traceId}-00f067aa0ba902b7-01` });
const of = (traceId: string) => collector.spans.filter((span) => span.traceId === traceId);
const namesOf = (traceId: string) => of(traceId).map(({ name }) => name);

/** The names from a span up to the one that the caller named. */
function pathTo(span: ReceivedSpan | undefined): string[] {
  if (!span) return [];
  return [...pathTo(of(span.traceId).find(({ spanId }) => spanId === span.parentSpanId)), span.name];
}

const provision = (slug: string, name = 'A tenant', adminEmail = 'admin@example.com') =>
  ({
    query: 'mutation Onboard($input: ProvisionTenantInput!) { provisionTenant(input: $input) { revision } }',
    variables: { input: { name, slug, adminEmail, modules: ['finance'] } },
  }) as const;

describe('a gateway with OTEL_EXPORTER_OTLP_ENDPOINT', () => {
  let gateway: ServingProcess;
  beforeAll(async () => {
    gateway = await serve({ ...traced(), LOG_REQUESTS: 'all' });
  });
  afterAll(() => gateway?.end('SIGTERM'));

  test('makes spans of a mutation down to its statements and steps, in the trace of the caller', async () => {
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const { query, variables } = provision(uniqueName('t'));
    const { body } = await gateway.ask(query, { key, variables, headers: parentOf(traceId) });
    expect(body.errors).toBeUndefined();
    await expect.poll(() => namesOf(traceId), { timeout: 10_000 }).toContain('POST /graphql');
    const http = of(traceId).find(({ name }) => name === 'POST /graphql');
    expect(http).toMatchObject({
      kind: 2,
      parentSpanId: '00f067aa0ba902b7',
      facts: { 'http.response.status_code': 200, 'http.route': '/graphql' },
    });
    const steps = of(traceId).filter(({ name }) => name.startsWith('step '));
    expect(steps.map(({ name }) => name)).toContain('step create_schema');
    const [first] = of(traceId).filter(({ name }) => name === 'INSERT operations');
    expect(pathTo(first)).toEqual([
      'POST /graphql',
      'GraphQL mutation Onboard',
      'command provisionTenant',
      'INSERT operations',
    ]);
    const [step] = steps;
    expect(pathTo(step)).toEqual([
      'POST /graphql',
      'GraphQL mutation Onboard',
      'operation PROVISION_TENANT',
      'step create_schema',
    ]);
    const created = of(traceId).find(({ name }) => name === 'CREATE');
    expect(pathTo(created)).toContain('step create_schema');
    expect(gateway.log().filter((line) => line.msg === 'request')).toContainEqual(
      expect.objectContaining({ traceId, operation: 'Onboard' }),
    );
  });

  test('is asked by the client with the trace of the service', async () => {
    const traceId = 'aaaabbbbccccddddeeeeffff00001111';
    const slug = uniqueName('t');
    await gateway.ask(provision(slug).query, { key, variables: provision(slug).variables });
    const client = createTenantRegistry({
      url: gateway.url,
      apiKey: key,
      module: 'finance',
      hints: false,
      traceHeaders: () => ({ ...parentOf(traceId), baggage: 'user=someone' }),
    });
    try {
      await client.resolve(slug);
    } finally {
      await client.close();
    }
    await expect.poll(() => namesOf(traceId), { timeout: 10_000 }).toContain('POST /graphql');
    const statement = of(traceId).find(({ facts }) => facts['db.system.name'] === 'postgresql');
    expect(pathTo(statement).slice(0, 2)).toEqual(['POST /graphql', expect.stringMatching(/^GraphQL query/)]);
  });

  test.each([
    ['zeros', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`],
    ['capitals', `00-${'A'.repeat(32)}-00f067aa0ba902b7-01`],
    [
      'two headers joined',
      `00-${'1'.repeat(32)}-00f067aa0ba902b7-01, 00-${'1'.repeat(32)}-00f067aa0ba902b7-01`,
    ],
    ['text', "'; DROP TABLE tenants"],
  ])('begins a trace of its own for a traceparent that is wrong: %s', async (_, traceparent) => {
    const requestId = uniqueName('wrong');
    await gateway.ask('query Look { tenants { totalCount } }', {
      key,
      headers: { traceparent, 'x-request-id': requestId },
    });
    const line = () => gateway.log().find((one) => one.requestId === requestId);
    await expect.poll(line).toMatchObject({ traceId: expect.stringMatching(/^[0-9a-f]{32}$/) });
    expect(traceparent).not.toContain(String(line()?.traceId));
  });

  test('puts no name of a tenant, no e-mail, no key and no value into a span', async () => {
    const planted = [uniqueName('planted'), 'Planted Name Ltd', 'planted@example.com', 'planted-note', key];
    const [slug = '', name, email, note] = planted;
    const { query, variables } = provision(slug, name, email);
    const operations: [string, object][] = [
      [query, variables],
      [query, variables],
      [`query { tenant(id: "${slug}") { name primaryEmail subscriptions { status } } }`, {}],
      [`query { tenants(filter: { search: "${note}" }) { totalCount } }`, {}],
      [`{ tenantSchema(id: "${slug}", module: "finance") { schemaName } }`, {}],
      [`mutation { suspendTenant(input: { tenantId: "${slug}", reason: "${note}" }) { revision } }`, {}],
      [`mutation { resumeTenant(input: { tenantId: "${slug}" }) { revision } }`, {}],
      [`mutation { suspendTenant(input: { tenantId: "${slug}-no", reason: "${note}" }) { revision } }`, {}],
      [`{ nonsense(of: "${note}") }`, {}],
      [`{ "${note}"`, {}],
      [`mutation { createApiKey(input: { name: "${note}", scopes: ["registry:read"] }) { secret } }`, {}],
    ];
    const traceId = '1234567890abcdef1234567890abcdef';
    for (const [text, given] of operations)
      await gateway.ask(text, { key, variables: given, headers: parentOf(traceId) });
    await gateway.ask('{ tenants { totalCount } }', { key: `trk_${note}`, headers: parentOf(traceId) });
    for (const path of [`/api/tenants/${slug}`, `/${slug}/${note}?key=${note}`, `/api/tenants/${slug}-no`])
      await fetch(`${gateway.url}${path}`, {
        headers: { authorization: `Bearer ${key}`, ...parentOf(traceId) },
      });
    const requests = () => of(traceId).filter(({ kind }) => kind === 2).length;
    await expect.poll(requests, { timeout: 20_000 }).toBe(operations.length + 4);
    // The spans of one request may arrive in several batches.
    for (const command of ['provisionTenant', 'suspendTenant', 'resumeTenant', 'createApiKey'])
      await expect.poll(() => collector.text(), { timeout: 20_000 }).toContain(`command ${command}`);
    await expect.poll(() => of(traceId).length, { timeout: 20_000 }).toBeGreaterThan(60);
    const text = collector.text();
    expect(planted.filter((one) => text.includes(one))).toEqual([]);
  });
});

describe('traces', () => {
  test('stay whole when another process takes an operation over', async () => {
    const traceId = 'feedfacefeedfacefeedfacefeedface';
    const modulesDir = await aModulesDir('finance', blockingStatement);
    await using block = await blockMigrations(finance.url);
    const settings = {
      ...traced(),
      MODULES_DIR: modulesDir,
      OPERATION_HEARTBEAT_MS: '200',
      OPERATION_TAKE_OVER_MS: '600',
    };
    const first = await serve(settings);
    const { query, variables } = provision(uniqueName('t'));
    const asked = first.ask(query, { key, variables, headers: parentOf(traceId) }).catch(() => undefined);
    await block.untilBlocked();
    await first.end('SIGKILL');
    await asked;
    await block.release();
    const operations = () => of(traceId).filter(({ name }) => name === 'operation PROVISION_TENANT');
    expect(operations()).toEqual([]);
    await using second = await serve(settings);
    await expect.poll(() => operations().length, { timeout: 60_000 }).toBe(1);
    expect(operations()[0]?.facts).toMatchObject({ 'registry.operation.runs': 2 });
    await expect.poll(() => namesOf(traceId)).toContain('step create_schema');
    await second.end('SIGTERM');
  });

  test('have spans of Redis with the names of commands', async () => {
    await using redis = await openRedisServer();
    await using gateway = await serve({ ...traced(), REDIS_URL: redis.url });
    const traceId = '0123456789abcdef0123456789abcdef';
    const query = '{ tenantSchema(id: "nobody", module: "finance") { schemaName } }';
    const look = async () => {
      // A gateway asks Redis as soon as it is connected, and not before.
      await gateway.ask(query, { key, headers: parentOf(traceId) });
      return namesOf(traceId).some((name) => name.startsWith('Redis '));
    };
    await expect.poll(look, { timeout: 60_000 }).toBe(true);
    await gateway.end('SIGTERM');
    expect(collector.text()).not.toContain('nobody');
  });

  test('are of no request that the sampler leaves out, but the caller decides with parentbased_', async () => {
    await using gateway = await serve({
      ...traced(),
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0',
    });
    const [kept, left] = ['5'.repeat(32), '6'.repeat(32)];
    const before = collector.spans.length;
    await gateway.ask('{ tenants { totalCount } }', { key });
    const unsampled = { traceparent: `00-${left}-00f067aa0ba902b7-00` };
    await gateway.ask('{ tenants { totalCount } }', { key, headers: unsampled });
    await gateway.ask('{ tenants { totalCount } }', { key, headers: parentOf(kept) });
    await gateway.end('SIGTERM');
    const later = collector.spans.slice(before);
    expect(new Set(later.map((span) => span.traceId))).toEqual(new Set([kept]));
  });
});

describe('OpenTelemetry is loaded', () => {
  /** The parts of the product that contain the SDK. */
  const parts = readdirSync(join(root, 'dist/bundle')).filter(
    (file) =>
      file.endsWith('.js') &&
      /BasicTracerProvider|OTLPTraceExporter/.test(readFileSync(join(root, 'dist/bundle', file), 'utf8')),
  );

  /** The files that a gateway loads until it has answered. */
  async function loadedWith(settings: Record<string, string>): Promise<string[]> {
    const folder = await aFolder();
    const seen = join(folder, 'loaded');
    await writeFile(
      join(folder, 'hooks.mjs'),
      `import { appendFileSync } from 'node:fs';
       export const load = (url, context, next) => { appendFileSync(${JSON.stringify(seen)}, url + '\\n'); return next(url, context); };`,
    );
    await writeFile(
      join(folder, 'register.mjs'),
      `import { register } from 'node:module'; register('./hooks.mjs', import.meta.url);`,
    );
    await using gateway = await serve({
      ...env,
      ...settings,
      NODE_OPTIONS: `--import=${join(folder, 'register.mjs')}`,
    });
    await gateway.ask('{ tenants { totalCount } }', { key });
    await gateway.end('SIGTERM');
    return readFileSync(seen, 'utf8')
      .split('\n')
      .map((url) => url.slice(url.lastIndexOf('/') + 1));
  }

  test('only where a variable asks for it', async () => {
    expect(parts.length).toBeGreaterThan(0);
    const used = (loaded: string[]) => parts.filter((part) => loaded.includes(part));
    expect(used(await loadedWith(traced()))).toEqual(parts);
    const disabled = { OTEL_SDK_DISABLED: 'true', OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
    expect(used(await loadedWith(disabled))).toEqual([]);
  });

  test.each<[Record<string, string>, ReturnType<typeof readConfig>['tracing']]>([
    [{}, undefined],
    [{ OTEL_SERVICE_NAME: 'x', OTEL_TRACES_SAMPLER: 'always_on' }, undefined],
    [{ OTEL_TRACES_EXPORTER: 'none', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }, undefined],
    [{ OTEL_SDK_DISABLED: 'true', OTEL_TRACES_EXPORTER: 'otlp' }, undefined],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }, { exporter: 'otlp' }],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://c/v1/traces' }, { exporter: 'otlp' }],
    [{ OTEL_TRACES_EXPORTER: 'console' }, { exporter: 'console' }],
  ])('by %j: %j', (settings, tracing) => {
    expect(readConfig(settings).tracing).toEqual(tracing);
  });

  test.each([
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318'],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
    ['OTEL_TRACES_EXPORTER', 'zipkin'],
    ['OTEL_TRACES_SAMPLER', 'always'],
    ['OTEL_TRACES_SAMPLER_ARG', '1.5'],
    ['OTEL_SDK_DISABLED', 'yes'],
  ])('not with a wrong %s', (name, value) => {
    expect(() => readConfig({ [name]: value })).toThrow(`${name} is "${value}": expected`);
  });
});

test('a statement is named by its verb and table, and by nothing else of it', async () => {
  const { summarizeStatement } = await import('../../src/tracing/statement-summary.js');
  const secret = 'acme';
  for (const [text, summary] of [
    [`SELECT * FROM tenants WHERE slug = '${secret}'`, 'SELECT tenants'],
    [`SELECT 'from ${secret}', $$ from ${secret} $$ FROM "public"."tenants"`, 'SELECT tenants'],
    [`INSERT INTO finance_x."${secret}" VALUES (1)`, 'INSERT'],
    [`SELECT * FROM "finance_${secret}"."invoices"`, 'SELECT'],
    [`CREATE SCHEMA "finance_${secret}"`, 'CREATE'],
    [`DROP DATABASE ${secret}`, 'DROP'],
    [`-- from ${secret}\nUPDATE operations SET x = 1`, 'UPDATE operations'],
    [`SELECT set_config('a', 'b', true);\nSELECT 1 FROM "tenants"`, 'SELECT tenants'],
    [`BEGIN`, 'BEGIN'],
    [`SELECT 'unended from ${secret}`, 'SELECT'],
    [`${secret}`, 'SQL'],
  ] as const)
    expect([text, summarizeStatement(text)]).toEqual([text, summary]);
});
