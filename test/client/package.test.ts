import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { build } from '../../bin/build.js';

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

const service = `
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
declare const prisma: { $transaction<R>(work: (tx: { party: string }) => Promise<R>, options?: { timeout?: number }): Promise<R> };
declare const pool: { connect(): Promise<Connection>; connect(callback: (error: Error) => void): void };

const registry = createTenantRegistry({ url: ['http://localhost:4000'], apiKey: 'trk_x', module: 'finance' });
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
  ['NodeNext', 'NodeNext'],
  ['ESNext', 'bundler'],
])(
  'its types resolve in module %s with resolution %s, and need no other types',
  async (module, moduleResolution) => {
    await writeFile(join(project, 'service.ts'), service);
    const options = { module, moduleResolution, target: 'ES2022', lib: ['ES2022'], types: [], strict: true };
    await writeFile(
      join(project, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: { ...options, noEmit: true, skipLibCheck: false },
        files: ['service.ts'],
      }),
    );
    const { stdout } = await run(process.execPath, [tsc, '-p', project]).catch((error) => error);
    expect(stdout).toBe('');
  },
);

test('it runs, and neither an open nor a closed client keeps the process alive', async () => {
  const text = `
    import { createTenantRegistry } from 'tenant-registry-client';
    const options = { url: 'http://127.0.0.1:1', module: 'finance', timeoutMs: 50 };
    // One client is closed, the other is never closed.
    const closed = createTenantRegistry(options);
    createTenantRegistry(options);
    console.log(await closed.resolve('acme').catch(({ name, code }) => [name, code].join(' ')));
    await closed.close();
  `;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', text], {
    cwd: project,
    timeout: 5_000,
  });
  expect(stdout.trim()).toBe('TenantRegistryError REGISTRY_UNAVAILABLE');
});

test('publint reports nothing', async () => {
  const { messages } = await publint({ pkgDir: packed, strict: true });
  expect(messages).toEqual([]);
});

test('arethetypeswrong reports nothing', async () => {
  const found = await checkPackage(createPackageFromTarballData(await readFile(tarball)));
  const problems = 'problems' in found ? found.problems : [{ kind: 'no types' }];
  // The package is ESM only, so CommonJS must use import().
  expect(problems.filter(({ kind }) => kind !== 'CJSResolvesToESM')).toEqual([]);
});
