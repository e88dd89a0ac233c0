/** Code blocks of the documents: all compile as one program against the built package, and each runs beside a gateway. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { build } from '../../bin/build.js';
import { findFreePort } from '../setup/free-port.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';
import { until } from '../setup/until.js';
import { skips } from './installed.js';

const root = join(import.meta.dirname, '../..');
const run = promisify(execFile);

/** The modules that the blocks import from the service itself. The Prisma client is generated for an example. */
const ownModules = {
  'token.ts': `import type { IncomingMessage } from 'node:http';
    /** Stands in for the verification of a token. */
    export function readToken(request: IncomingMessage): { tenant: string } | undefined {
      return request.headers.authorization === undefined ? undefined : { tenant: request.headers.authorization };
    }`,
};

/** What the documents leave to the reader: the earlier versions of frameworks, all options that may be undefined, CommonJS. */
const typed = `
  import express from 'express-4';
  import { fastify } from 'fastify-4';
  import type { IncomingMessage } from 'node:http';
  import type { Context as HonoContext } from 'hono';
  import { Hono } from 'hono';
  import Koa from 'koa';
  import { createTenantRegistry, TenantRegistryError, type CurrentTenant } from 'tenant-registry-client';

  declare const some: undefined;
  export const registry = createTenantRegistry({
    ...{ url: 'http://localhost:4000', module: 'finance', apiKey: some, maxTenants: some, timeoutMs: some, serveStaleMs: some },
    ...{ databasePool: some, maxDatabasePools: some, readSecret: some, secretNames: some, hints: some },
  });
  express().use(registry.middleware(), registry.errorHandler({ log: some }));
  express().use(registry.middleware({ claim: (request: express.Request) => request.get('x-claim') }));
  fastify().register(registry.fastify({ claim: some }));
  new Koa().use(registry.middleware({ claim: (context: Koa.Context) => context.get('x-claim') }));
  new Hono().use(registry.middleware({ claim: async (context: HonoContext) => context.req.header('x-claim') }));
  registry.middleware({ claim: (request: IncomingMessage) => request.url ?? null });
  registry.withTenant({ connect: () => Promise.reject() }, 'acme', () => 1, {
    ...{ isolation: some, readOnly: some, statementTimeoutMs: some, signal: some },
  });
  registry.current() satisfies CurrentTenant;
  registry.currentOrUndefined({}) satisfies CurrentTenant | undefined;
  new TenantRegistryError('CONFLICT', '', { cause: some, retryAfter: some, isStale: some }).status satisfies number;
  // @ts-expect-error It may be undefined.
  registry.currentOrUndefined().tenantId;
  // @ts-expect-error An unknown option.
  registry.middleware({ claims: () => 'acme' });
`;

interface Block {
  /** Name of its file: "src-client-README-1.ts". */
  name: string;
  text: string;
}

const languages = /^(ts|tsx|js|jsx|mts|mjs|cts|cjs|typescript|javascript)$/;
const documents = execFileSync('git', ['ls-files', '*.md'], { cwd: root, encoding: 'utf8' })
  .trim()
  .split('\n');
const blocks: Block[] = documents.flatMap((document) =>
  [...readFileSync(join(root, document), 'utf8').matchAll(/^```(\w+)[^\n]*\n(.*?)^```$/gms)]
    .filter(([, language = '']) => languages.test(language))
    .map(([, , text = ''], at) => ({
      name: `${document.replace(/\.md$/, '').replaceAll('/', '-')}-${at + 1}.ts`,
      text,
    })),
);

let gateway: TestGateway;
let key: string;
let tenant: StoryTenant;
let folder: string;
beforeAll(async () => {
  if (skips) return;
  expect(build(['client', 'examples'])).toBe(true);
  gateway = await openGateway({ authMode: 'required' });
  key = await gateway.createKey('resolve:*', 'usage:record');
  const everything = await gateway.createKey('resolve:*', 'registry:read', 'registry:write', 'provision');
  const { ask } = gateway;
  gateway.ask = (query, variables, options) => ask(query, variables, { key: everything, ...options });
  tenant = await aTenant().subscribedTo('finance', 'operations', 'dbtools').at(gateway);
  // Here the blocks find the frameworks, and the packages of the checkout.
  folder = await mkdtemp(join(import.meta.dirname, 'documents-'));
  await cp(join(root, 'dist/client'), join(folder, 'node_modules/tenant-registry-client'), {
    recursive: true,
  });
  await mkdir(join(folder, 'generated'));
  await cp(join(root, 'examples/operations/generated'), join(folder, 'generated'), { recursive: true });
  const compilerOptions = {
    ...{ strict: true, exactOptionalPropertyTypes: true, experimentalDecorators: true },
    ...{ module: 'NodeNext', target: 'ES2022', types: ['node'], skipLibCheck: true, noEmit: true },
  };
  const files = {
    ...ownModules,
    'typed.ts': typed,
    'typed.cts': typed
      .replaceAll(/import (\w+) from/g, 'import $1 = require')
      .replaceAll(/= require '([^']+)'/g, "= require('$1')"),
    ...Object.fromEntries(blocks.map(({ name, text }) => [name, text])),
    'package.json': JSON.stringify({ type: 'module' }),
    'tsconfig.json': JSON.stringify({ compilerOptions, include: ['*.ts', '*.cts'] }),
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
});
afterAll(async () => {
  if (folder) await rm(folder, { recursive: true, force: true });
  await gateway?.close();
});

interface Run {
  /** Path of a request to the service; a block without one is run by `call`. */
  path?: string;
  answers?: (answer: string) => void;
  /** Headers beside X-Tenant-ID. */
  headers?: () => Record<string, string>;
  /** Code that imports the block and prints what it returns as JSON. */
  call?: () => string;
}

const slug: Run = { path: '/', answers: (answer) => expect(answer).toBe(tenant.slug) };
const noInvoices: Run = { path: '/invoices', answers: (answer) => expect(JSON.parse(answer)).toEqual([]) };

const runs: Record<string, Run> = {
  'README-1.ts': noInvoices,
  'src-client-README-1.ts': { ...noInvoices, headers: () => ({ authorization: tenant.id }) },
  'src-client-README-2.ts': {
    call: () => `import { registry } from './runs-src-client-README-2.ts';
      console.log(JSON.stringify((await registry.resolve('${tenant.id}')).tenantSlug));`,
    answers: (answer) => expect(JSON.parse(answer)).toBe(tenant.slug),
  },
  'src-client-README-3.ts': slug,
  'src-client-README-4.ts': slug,
  'src-client-README-5.ts': slug,
  'src-client-README-6.ts': slug,
  'src-client-README-7.ts': slug,
  'src-client-README-8.ts': {
    call: () => `import { listTables } from './runs-src-client-README-8.ts';
      console.log(JSON.stringify((await listTables('${tenant.id}')).length > 0));`,
    answers: (answer) => expect(JSON.parse(answer)).toBe(true),
  },
  'src-client-README-9.ts': {
    call: () => `import { mayQuote } from './runs-src-client-README-9.ts';
      const one = () => mayQuote('${tenant.id}', 'quote-1');
      console.log(JSON.stringify([await one(), await one()]));`,
    answers: (answer) => expect(JSON.parse(answer)).toEqual([true, true]),
  },
  'src-client-README-10.ts': {
    call: () => `import { listParties } from './runs-src-client-README-10.ts';
      console.log(JSON.stringify(await listParties('${tenant.id}')));`,
    answers: (answer) => expect(JSON.parse(answer)).toEqual([]),
  },
  'src-client-README-11.ts': {
    call: () => `import pg from 'pg';
      import { countInvoices } from './runs-src-client-README-11.ts';
      const connection = new pg.Client({ connectionString: process.env.FINANCE_DB_URL });
      await connection.connect();
      console.log(JSON.stringify(await countInvoices(connection, '${tenant.id}')));`,
    answers: (answer) => expect(JSON.parse(answer)).toBe(0),
  },
};

/** The block with the addresses of this test. */
function adapt(text: string, port: number): string {
  const { hostname, port: databasePort, username } = new URL(gateway.serviceUrl('dbtools'));
  const address = `host: '${hostname}', port: ${databasePort}, user: '${username}', password: process.env.PGPASSWORD`;
  return text
    .replace(/https?:\/\/(registry[\w.-]*|localhost):4000/g, gateway.url)
    .replaceAll('4001', String(port))
    .replaceAll("host: 'dbtools.internal'", address);
}

describe.skipIf(skips)('the code blocks of the documents', () => {
  test('compile, as strictly as TypeScript can', async () => {
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const { stdout } = await run(process.execPath, [tsc, '-p', folder]).catch((error) => error);
    expect(stdout).toBe('');
  });

  test('are all run by the tests below', () => {
    expect(Object.keys(runs)).toEqual(blocks.map(({ name }) => name));
  });

  test.each(blocks)('$name runs', async ({ name, text }) => {
    const { path, headers, call, answers } = runs[name] as Run;
    const port = await findFreePort();
    await writeFile(join(folder, `runs-${name}`), adapt(text, port));
    const script = call ? `call-${name}` : `runs-${name}`;
    if (call) await writeFile(join(folder, script), call());
    const { PGPASSWORD = decodeURIComponent(new URL(gateway.serviceUrl('dbtools')).password) } = process.env;
    const env = {
      ...process.env,
      ...{ PGPASSWORD, REGISTRY_KEY: key },
      FINANCE_DB_URL: gateway.serviceUrl('finance'),
      OPERATIONS_DB_URL: gateway.serviceUrl('operations'),
    };
    const child = spawn(process.execPath, ['--import', 'tsx', script], { cwd: folder, env });
    const output = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream].on('data', (chunk) => {
        output[stream] += chunk;
      });
    const ended = once(child, 'close');
    try {
      if (path === undefined) await until(() => output.stdout.includes('\n') || child.exitCode !== null);
      else {
        const ask = () =>
          fetch(`http://localhost:${port}${path}`, {
            headers: { 'x-tenant-id': tenant.slug, ...headers?.() },
          });
        await until(
          async () => child.exitCode !== null || (await ask().catch(() => undefined)) !== undefined,
        );
        expect(child.exitCode, output.stderr).toBeNull();
        const response = await ask();
        output.stdout = await response.text();
        expect(response.status, output.stdout).toBe(200);
      }
      expect(output.stderr).toBe('');
      answers?.(output.stdout.trim());
    } finally {
      child.kill();
      await ended;
    }
  });
});
