import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import {
  clientMutants,
  fastPathMutants,
  type Mutant,
  moreMutants,
  namedMutants,
} from '../test/protocol/support/mutants.js';

/**
 * Breaks a copy of the product in one place at a time and runs the tests of the protocol on it, which must fail:
 * `tsx bench/kill-mutants.ts [part of a name]`. The source itself is not touched.
 */
const root = join(import.meta.dirname, '..');
const wanted = process.argv[2] ?? '';
const histories = process.env.HISTORIES ?? '500';
const leftBehind = ['node_modules', '.git', '.data', 'dist', 'coverage'];

const copy = mkdtempSync(join(tmpdir(), 'tenant-registry-mutants-'));
try {
  cpSync(root, copy, { recursive: true, filter: (path) => !leftBehind.includes(basename(path)) });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  const unharmed = findKiller();
  if (unharmed !== undefined) throw new Error(`the tests fail without any mutant: ${unharmed}`);
  say('without a mutant the tests pass');
  const mutants = [...namedMutants, ...moreMutants, ...clientMutants, ...fastPathMutants].filter(({ name }) =>
    name.includes(wanted),
  );
  const survivors = mutants.filter((mutant) => survives(mutant));
  say(`${mutants.length - survivors.length} of ${mutants.length} killed, with ${histories} histories`);
  process.exitCode = survivors.length > 0 ? 1 : 0;
} finally {
  rmSync(copy, { recursive: true, force: true });
}

function survives(mutant: Mutant): boolean {
  const file = join(copy, mutant.file);
  const source = readFileSync(file, 'utf8');
  const edits = [mutant, ...(mutant.also ? [mutant.also] : [])];
  writeFileSync(
    file,
    edits.reduce((text, { search, replace }) => text.replace(search, () => replace), source),
  );
  const killer = findKiller();
  writeFileSync(file, source);
  say(killer === undefined ? `SURVIVED  ${mutant.name}` : `killed    ${mutant.name}: ${killer}`);
  return killer === undefined;
}

/** The first test that fails. That the mutants fit the source is no test of the product. */
function findKiller(): string | undefined {
  const tests = ['test/protocol', 'test/auth/key-cache.test.ts', 'test/graphql/engine'];
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', ...tests, '--bail=1'];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...vitest, '--exclude=test/protocol/mutants.test.ts', '--exclude=test/protocol/check-history.test.ts'],
    {
      cwd: copy,
      encoding: 'utf8',
      env: { ...process.env, HISTORIES: histories, NO_COLOR: '1' },
      timeout: 300_000,
      maxBuffer: 256 * 1024 * 1024,
    },
  );
  if (status === 0) return undefined;
  const [, failed] = /FAIL +test\/(.+)/.exec(stdout + stderr) ?? [];
  const [, invariant] = /"invariant": "(I\d)"/.exec(stdout + stderr) ?? [];
  return `${failed ?? `exit status ${status}`}${invariant ? ` (${invariant})` : ''}`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
