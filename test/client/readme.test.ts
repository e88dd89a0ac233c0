import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const run = promisify(execFile);

/** The files that a service has of its own, as the README's examples import them. */
const imported = {
  'token.ts': `export declare function readToken(request: { rawHeaders: readonly string[] }): { tenant: string } | undefined;`,
  'generated/client.ts': `interface Tx { party: { findMany(): Promise<{ name: string }[]> } }
    export declare class PrismaClient {
      constructor(options: { adapter: unknown });
      $transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
    }`,
};

test('every example of the README compiles', async () => {
  const readme = await readFile(join(root, 'src/client/README.md'), 'utf8');
  const blocks = [...readme.matchAll(/^```(\w*)\n(.*?)^```$/gms)];
  expect(blocks.map(([, language]) => language)).toEqual(['ts', 'ts', 'ts', 'ts']);
  // Below the checkout, so that the examples find its packages.
  await mkdir(join(root, 'dist'), { recursive: true });
  const folder = await mkdtemp(join(root, 'dist/readme-'));
  try {
    await cp(join(root, 'tsconfig.json'), join(folder, 'base.json'));
    const paths = {
      'tenant-registry-client': [join(root, 'src/client/index.ts')],
      'tenant-registry-client/prisma': [join(root, 'src/client/prisma.ts')],
    };
    const compilerOptions = { noEmit: true, paths };
    await writeFile(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ extends: './base.json', compilerOptions, include: ['*.ts'] }),
    );
    await mkdir(join(folder, 'generated'));
    for (const [name, text] of Object.entries(imported)) await writeFile(join(folder, name), text);
    for (const [at, [, , text]] of blocks.entries())
      await writeFile(join(folder, `example-${at}.ts`), text ?? '');
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const { stdout } = await run(process.execPath, [tsc, '-p', folder]).catch((error) => error);
    expect(stdout).toBe('');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 120_000);
