import { spawn } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { findAccount, run, spawnOptions } from '../src/database/embedded/postgres-process.js';
import { findFreePort } from '../test/setup/free-port.js';

/**
 * `npx tsx bench/hostile-database.ts`: plants code of a service in a service database, in every way of
 * test/provisioning/support/planted-code.ts, lets the registry do everything that it does there, as a superuser and as a role
 * without superuser, and prints per version of PostgreSQL how often that code ran with the rights of another role.
 *
 * By default on the embedded PostgreSQL. `--binaries /usr/lib/postgresql/15/bin` starts a server of its own from these programs;
 * `--server <url>` uses an existing one, where the URL's superuser creates and drops databases and roles.
 */
const { values: options } = parseArgs({
  options: { binaries: { type: 'string' }, server: { type: 'string' } },
});
const runs = [
  ['test/provisioning/fence/planted-code.test.ts'],
  ['test/provisioning/fence/planted-code.long.test.ts', '--config', 'vitest.long.config.ts'],
];

interface Report {
  testResults: {
    assertionResults: {
      status: string;
      fullName: string;
      meta?: { server?: string; provisioner?: string; acts?: number; ran?: string[] };
    }[];
  }[];
}

const folder = await mkdtemp(join(tmpdir(), 'hostile-database-'));
await chmod(folder, 0o755);
const server = options.binaries === undefined ? undefined : await startServer(options.binaries);
try {
  const url = server?.url ?? options.server;
  const results = await plant(url === undefined ? {} : { TEST_DATABASE_URL: url });
  const cases = results.flatMap(({ assertionResults }) => assertionResults);
  const failed = cases.filter(({ status }) => status !== 'passed');
  for (const { fullName, status, meta } of failed)
    process.stdout.write(`${fullName}: ${status} ${meta?.ran?.join(', ') ?? ''}\n`);
  const kindOf = ({ meta }: (typeof cases)[number]) => `PostgreSQL ${meta?.server}, ${meta?.provisioner}`;
  for (const kind of [...new Set(cases.map(kindOf))].sort())
    process.stdout.write(`${kind}: ${describe(cases.filter((one) => kindOf(one) === kind))}\n`);
  process.stdout.write(`all: ${describe(cases)}, ${failed.length} plants failed\n`);
  process.exitCode = failed.length > 0 || cases.length === 0 ? 1 : 0;
} finally {
  await server?.stop();
  await rm(folder, { recursive: true });
}

function describe(cases: Report['testResults'][number]['assertionResults']): string {
  const sum = (count: (one: (typeof cases)[number]) => number) =>
    cases.reduce((total, one) => total + count(one), 0);
  const attempts = sum(({ meta }) => meta?.acts ?? 1);
  const ran = sum(({ meta }) => meta?.ran?.length ?? 0);
  return `${cases.length} plants, ${attempts} attempts, planted code ran ${ran} times`;
}

async function plant(env: Record<string, string>): Promise<Report['testResults']> {
  const results: Report['testResults'] = [];
  for (const args of runs) {
    const output = join(folder, 'report.json');
    const tests = spawn('npx', ['vitest', 'run', ...args, '--reporter=json', `--outputFile=${output}`], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, ...env },
    });
    await new Promise((resolve) => tests.on('close', resolve));
    results.push(...(JSON.parse(await readFile(output, 'utf8')) as Report).testResults);
  }
  return results;
}

/** Starts a server of its own, because the plants change roles and event triggers. */
async function startServer(binaries: string): Promise<{ url: string; stop(): Promise<void> }> {
  const account = await findAccount();
  if (account) await run(undefined, 'chown', [`${account.uid}:${account.gid}`, folder], folder);
  const [data, passwordFile] = [join(folder, 'data'), join(folder, 'password')];
  await writeFile(passwordFile, 'postgres', { mode: 0o644 });
  const given = [
    `--pgdata=${data}`,
    '--auth=scram-sha-256',
    '--username=postgres',
    `--pwfile=${passwordFile}`,
  ];
  const { code, output } = await run(
    account,
    join(binaries, 'initdb'),
    [...given, '--encoding=UTF8', '--locale=C'],
    folder,
  );
  if (code !== 0) throw new Error(`initdb failed: ${output}`);
  const port = await findFreePort();
  const settings = { listen_addresses: '127.0.0.1', unix_socket_directories: '', port, fsync: 'off' };
  const postgres = spawn(
    join(binaries, 'postgres'),
    ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    { ...spawnOptions(account, folder), stdio: 'ignore' },
  );
  const ended = new Promise((resolve) => postgres.on('exit', resolve));
  const url = `postgres://postgres:postgres@127.0.0.1:${port}/postgres?sslmode=disable`;
  for (let attempt = 0; !(await answers(url)); attempt++) {
    if (attempt === 300) throw new Error(`PostgreSQL of ${binaries} did not start`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    url,
    async stop() {
      postgres.kill('SIGINT');
      await ended;
    },
  };
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url });
  return client.connect().then(
    () => client.end().then(() => true),
    () => false,
  );
}
