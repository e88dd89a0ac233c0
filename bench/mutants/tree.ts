import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { bundling } from '../../bin/build.js';
import { openEmbedded } from '../../src/database/embedded/embedded.js';
import { openLog } from '../../src/log.js';
import { applyMutation, type Mutant } from './mutation.js';
import { readSource, root } from './sources.js';

/** A copy of the project in which mutants are tried, so that the checkout stays as it is even when we are killed. */
export interface Tree {
  folder: string;
  /** Environment of its tests: a PostgreSQL server that they find running, because a new one for each run takes as long as they do. */
  testEnv: Record<string, string>;
  /** Puts these mutants, of different files, in place of those before, and compiles the product, type errors or not. */
  apply(mutants: readonly Mutant[]): void;
  /** The type errors that the compiler finds now. */
  findTypeErrors(): string[];
  /** Removes the copy and stops its server. */
  close(): Promise<void>;
}

const prefix = 'tenant-registry-mutants-';
/** Made by the build, so git does not list them. */
const built = ['dist', 'src/database/generated', 'examples/operations/generated'];

/** Typed as the real one, because the tests that import it are type-checked as well. */
const builtAlready = `/** @param {string[]} [_names] */
export function build(_names) {
  return true;
}

/** @type {string[]} */
export const bundling = [];
`;

export async function openTree(files: readonly string[]): Promise<Tree> {
  removeLeftovers();
  const folder = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  // As root, PostgreSQL runs as another user, who must get in.
  chmodSync(folder, 0o755);
  for (const file of [...files, ...built]) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(root, file), join(folder, file), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  // Tests build what they start. We have built it already, and a type error is no reason for a test to fail.
  writeFileSync(join(folder, 'bin/build.js'), builtAlready);

  const runNode = (script: string, args: string[]) =>
    spawnSync(process.execPath, [join(root, 'node_modules', script), ...args], {
      cwd: folder,
      encoding: 'utf8',
    }).stdout;
  const compiler = (...args: string[]) => runNode('typescript/bin/tsc', args);
  const findTypeErrors = () =>
    compiler('--noEmit')
      .split('\n')
      .filter((line) => /: error TS\d+:/.test(line));
  // Otherwise every survivor would count as refused by the compiler.
  const [typeError] = findTypeErrors();
  if (typeError) throw new Error(`The copy without a mutant has a type error: ${typeError}`);
  const server = await openServer(folder);
  let applied: readonly Mutant[] = [];
  return {
    folder,
    testEnv: { TEST_DATABASE_URL: server.url },
    apply(mutants) {
      const touched = [...applied, ...mutants].map(({ file }) => file);
      for (const { file } of applied) writeFileSync(join(folder, file), readSource(file));
      for (const mutant of mutants)
        writeFileSync(join(folder, mutant.file), applyMutation(readSource(mutant.file), mutant));
      applied = mutants;
      // Without the check, which takes four times as long.
      if (touched.some((file) => file.startsWith('src/'))) {
        compiler('--project', 'tsconfig.build.json', '--noCheck');
        runNode('esbuild/bin/esbuild', bundling);
      }
      if (touched.some((file) => file.startsWith('src/client/')))
        compiler('--project', 'tsconfig.client.json', '--noCheck');
    },
    findTypeErrors,
    async close() {
      await server.close();
      process.off('exit', remove);
      remove();
    },
  };
}

async function openServer(folder: string): Promise<{ url: string; close(): Promise<void> }> {
  const options = { dataDir: join(folder, 'data'), exclusive: true, log: openLog('error'), preferredPort: 0 };
  const embedded = await openEmbedded(options);
  const url = await embedded.databaseUrl('postgres');
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    // As in the tests: nothing has to survive a crash of the machine.
    for (const setting of ['fsync', 'full_page_writes', 'synchronous_commit'])
      await client.query(`ALTER SYSTEM SET ${setting} = off`);
    await client.query('SELECT pg_reload_conf()');
  } finally {
    await client.end();
  }
  return { url, close: () => embedded.close() };
}

/** Trees of runs that were killed. */
function removeLeftovers(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid)))
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
