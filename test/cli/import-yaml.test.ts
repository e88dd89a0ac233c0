import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { queryOnce } from '../database/support/temporary-databases.js';
import {
  aClientsFolder,
  aCopyOfFixtures,
  clientYaml,
  fixtures,
  writeClient,
} from '../importing/support/client-story.js';
import { runHere } from '../setup/command-line.js';
import { createRegistryDatabase, type TestDatabase } from '../setup/database.js';

let registry: TestDatabase;
beforeAll(async () => {
  registry = await createRegistryDatabase();
});
afterAll(() => registry.drop());

const importYaml = (...args: string[]) =>
  runHere(['import', 'yaml', ...args], { DATABASE_URL: registry.url });
const slugs = async () => (await queryOnce(registry.url, 'SELECT slug FROM tenants')).map(({ slug }) => slug);

test('--dry-run prints the changes as text and makes none', async () => {
  const { code, stdout, stderr } = await importYaml(fixtures, '--dry-run');
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  const lines = stdout.split('\n');
  expect(lines).toEqual(
    expect.arrayContaining([
      'safariexplore-kvph: would be created',
      'example: would be skipped: it is the template and not a tenant',
      'tn_b7e_113: would be skipped: it is a test tenant: use --include-tests to import it',
      'broken-yaml: would fail',
      expect.stringMatching(/^ {4}line 3, column 9: it lacks a quote, .*\(MISSING_CHAR\)$/),
      '    line 5, column 13: client.timezone must be an IANA time zone such as Africa/Johannesburg',
      `    line 10: email.smtp.password looks like a secret and became \${SAFARIRUN_T0VC_SMTP_PASSWORD}: set that variable`,
    ]),
  );
  expect(lines.slice(-2)).toEqual(['4 would be created, 3 would be skipped, 2 would fail.', '']);
  expect(await slugs()).toEqual([]);
});

test('the exit code is 0 when no file failed; --force overwrites and shows the differences', {
  timeout: 120_000,
}, async () => {
  const folder = await aClientsFolder({ acme: clientYaml('acme', 'loyalty: true') });
  const first = await importYaml(folder);
  expect(first).toMatchObject({
    code: 0,
    stdout: 'acme: created\n    loyalty is not a known key and was kept under extensions\n\n1 created.\n',
  });
  await writeClient(folder, 'acme', clientYaml('acme', 'loyalty: false'));
  const left = await importYaml(folder, '--json');
  expect(left.code).toBe(0);
  expect(JSON.parse(left.stdout)).toMatchObject({
    done: true,
    counts: { create: 0, update: 0, unchanged: 0, leaveAlone: 1, leaveOut: 0, fail: 0 },
    clients: [{ id: 'acme', action: 'leaveAlone', differences: [{ before: true, after: false }] }],
  });
  const forced = await importYaml(folder, '--force');
  expect(forced.stdout).toContain('acme: updated\n');
  expect(forced.stdout).toContain('    config.extensions.loyalty: true -> false\n');
});

test('test folders are deleted after a confirmation, which needs a terminal or --yes', {
  timeout: 120_000,
}, async () => {
  const folder = await aCopyOfFixtures();
  const all = await readdir(folder);
  const refused = await importYaml(folder, '--remove-tests', '--only', 'safariexplore-kvph');
  expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('add --yes') });
  expect(await readdir(folder)).toEqual(all);
  const both = await importYaml(folder, '--remove-tests', '--include-tests', '--yes');
  expect(both.stderr).toContain('--include-tests');
  const done = await importYaml(folder, '--remove-tests', '--yes');
  expect(done.stdout).toContain('tn_2f1a_9c0: deleted\ntn_b7e_113: deleted\n');
  expect(await readdir(folder)).toEqual(all.filter((name) => !name.startsWith('tn_')));
});
