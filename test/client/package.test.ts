import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { build, sourceOf } from '../../bin/build.js';

const root = join(import.meta.dirname, '../..');
const packed = join(root, 'dist/client');
const tsc = join(root, 'node_modules/typescript/bin/tsc');
const run = promisify(execFile);

let project: string;
let tarball: string;
beforeAll(async () => {
  expect(build(['client'])).toBe(true);
  project = await mkdtemp(join(tmpdir(), 'tenant-registry-client-'));
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', project], { cwd: packed });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  tarball = join(project, filename);
  await writeFile(
    join(project, 'package.json'),
    JSON.stringify({ name: 'empty', type: 'module', private: true }),
  );
  const quietly = ['--offline', '--no-audit', '--no-fund', '--ignore-scripts'];
  await run('npm', ['install', ...quietly, `./${filename}`], { cwd: project });
});
afterAll(() => rm(project, { recursive: true, force: true }));

test('installing it adds one package without an install script', async () => {
  const { stdout } = await run('npm', ['ls', '--all', '--json'], { cwd: project });
  const { dependencies } = JSON.parse(stdout);
  expect(Object.keys(dependencies)).toEqual(['tenant-registry-client']);
  expect(dependencies['tenant-registry-client'].dependencies).toBeUndefined();
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  expect(dependencies['tenant-registry-client'].version).toBe(version);
});

test.each([
  ['cli/main.js', 'cli/main.ts'],
  ['cli/main.js.map', 'cli/main.ts'],
  ['clients.js', 'clients.ts'],
  ['client/index.js', undefined],
  ['client/cjs/index.js', undefined],
  ['bundle/main.js', undefined],
  ['README.md', undefined],
])('a build of the server may remove %s when its source %s is gone', (path, source) => {
  expect(sourceOf(path)).toBe(source);
});

const declarations = `
import { createTenantRegistry, TenantRegistryError, type TenantRoute } from 'tenant-registry-client';
import { tenantAdapter, withTenant } from 'tenant-registry-client/prisma';

interface Connection {
  query(text: string): Promise<{ rows: { id: number }[] }>;
  on(event: 'error', listener: (error: Error) => void): this;
  removeListener(event: 'error', listener: (error: Error) => void): this;
  release(destroy?: Error | boolean): void;
}
declare class PrismaPg {
  constructor(of: typeof pool | string, options?: { schema?: string });
  name: string;
}
declare const process: { env: Record<string, string | undefined> };
declare const prisma: { $transaction<R>(work: (tx: { party: string }) => Promise<R>, options?: { timeout?: number }): Promise<R> };
declare const pool: { connect(): Promise<Connection>; connect(callback: (error: Error) => void): void };

`;

const statements = `
const registry = createTenantRegistry({ url: ['http://localhost:4000'], apiKey: process.env.REGISTRY_KEY, module: 'finance' });
registry.on('change', ({ tenantId }) => tenantId satisfies string | null);
const route: TenantRoute = await registry.resolve('acme');
const many: (TenantRoute | TenantRegistryError)[] = await registry.resolveMany(['acme']);
const rows = await registry.withTenant(pool, route.tenantId, async (tx) => (await tx.query('SELECT 1')).rows);
rows satisfies { id: number }[];
const middleware = registry.middleware<{ rawHeaders: string[]; user: { tenant: string } }>({
  claim: (request) => request.user.tenant,
});
middleware satisfies (request: never, response: never, next: () => void) => unknown;
// @ts-expect-error The option module is required.
createTenantRegistry({ url: 'http://localhost:4000' });
many.map((one) => (one instanceof TenantRegistryError ? one.code : one.schemaName));
tenantAdapter(PrismaPg, pool) satisfies PrismaPg;
(await withTenant(registry, prisma, 'acme', async (tx) => tx.party)) satisfies string;
await registry.close();
`;

test.each([
  ['service.ts', 'NodeNext', 'NodeNext'],
  ['service.cts', 'NodeNext', 'NodeNext'],
  ['service.ts', 'ESNext', 'bundler'],
])(
  'its types resolve for %s in module %s with resolution %s, and need no other types',
  async (file, module, moduleResolution) => {
    // CommonJS has no await at the top level.
    const isCommonJs = file.endsWith('.cts');
    const body = isCommonJs ? `export async function serve() {${statements}}` : statements;
    await writeFile(join(project, file), declarations + body);
    const options = { module, moduleResolution, target: 'ES2022', lib: ['ES2022'], types: [], strict: true };
    await writeFile(
      join(project, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          ...options,
          noEmit: true,
          skipLibCheck: false,
          exactOptionalPropertyTypes: true,
        },
        files: [file],
      }),
    );
    const { stdout } = await run(process.execPath, [tsc, '-p', project]).catch((error) => error);
    expect(stdout).toBe('');
  },
);

test.each([
  ['commonjs', `const { createTenantRegistry } = require('tenant-registry-client');`],
  ['module', `import { createTenantRegistry } from 'tenant-registry-client';`],
])('it runs as %s, and neither an open nor a closed client keeps the process alive', async (type, load) => {
  const text = `
    const options = { url: 'http://127.0.0.1:1', module: 'finance', timeoutMs: 50 };
    // One client is closed, the other is never closed.
    const closed = createTenantRegistry(options);
    createTenantRegistry(options);
    closed
      .resolve('acme')
      .catch(({ name, code }) => console.log([name, code].join(' ')))
      .then(() => closed.close());
  `;
  const { stdout } = await run(process.execPath, [`--input-type=${type}`, '-e', `${load}${text}`], {
    cwd: project,
    timeout: 5_000,
  });
  expect(stdout.trim()).toBe('TenantRegistryError REGISTRY_UNAVAILABLE');
});

test.each(['tenant-registry-client', 'tenant-registry-client/prisma'])(
  '%s exports the same objects to import and to require, so that instanceof holds between both',
  async (name) => {
    const text = `
      import { createRequire } from 'node:module';
      import * as imported from '${name}';
      const required = createRequire(process.cwd() + '/')('${name}');
      const names = Object.keys(required);
      console.log(names.length > 1 && names.every((name) => imported[name] === required[name]));
    `;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', text], { cwd: project });
    expect(stdout.trim()).toBe('true');
  },
);

test('publint reports nothing', async () => {
  const { messages } = await publint({ pkgDir: packed, strict: true });
  expect(messages).toEqual([]);
});

test('arethetypeswrong reports nothing', async () => {
  const found = await checkPackage(createPackageFromTarballData(await readFile(tarball)));
  const problems = 'problems' in found ? found.problems : [{ kind: 'no types' }];
  expect(problems).toEqual([]);
});
