/** registerTenant, 32 at once, beside the INSERT alone with all its triggers. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import type { Gateway } from '../registry/gateway.js';
import type { Undo } from '../registry/undo.js';

const atOnce = 32;
const run = promisify(execFile);

/** Registrations per second for so many seconds. */
export type Registrations = (seconds: number) => Promise<number>;

let made = 0;

export function throughGateway(gateway: Gateway): Registrations {
  const query = 'mutation ($input: RegisterTenantInput!) { registerTenant(input: $input) { tenant { id } } }';
  return (seconds) =>
    countPerSecond(seconds, async () => {
      await gateway.ask(query, { input: { slug: `gateway-${++made}`, name: 'Company' } });
    });
}

export async function hasPgbench(): Promise<boolean> {
  return run('pgbench', ['--version']).then(
    () => true,
    () => false,
  );
}

/** By pgbench, which costs the machine least. Slugs are random numbers, for it has no counter over its clients. */
export async function byPgbench(databaseUrl: string, undo: Undo): Promise<Registrations> {
  const folder = await mkdtemp(join(tmpdir(), 'tenant-registry-bench-'));
  undo.add(() => rm(folder, { recursive: true, force: true }));
  const script = join(folder, 'insert.sql');
  await writeFile(
    script,
    `\\set number random(1, 1000000000000000)\nINSERT INTO tenants (slug, name) VALUES ('insert-' || :number, 'Company');\n`,
  );
  return async (seconds) => {
    const options = ['--no-vacuum', '--protocol=prepared', '--client', String(atOnce), '--jobs', '1'];
    const { stdout } = await run('pgbench', [
      ...options,
      ...['--time', String(seconds), '--file', script, databaseUrl],
    ]);
    const rate = /^tps = ([\d.]+)/m.exec(stdout)?.[1];
    if (!rate || !/number of failed transactions: 0 /.test(stdout))
      throw new Error(`pgbench failed: ${stdout}`);
    return Number(rate);
  };
}

export function byPool(databaseUrl: string, undo: Undo): Registrations {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: atOnce });
  pool.on('error', () => undefined);
  undo.add(() => pool.end());
  const text = `INSERT INTO tenants (slug, name) VALUES ($1, 'Company')`;
  return (seconds) =>
    countPerSecond(seconds, async () => {
      await pool.query({ name: 'insert', text, values: [`pool-${++made}`] });
    });
}

async function countPerSecond(seconds: number, work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  let count = 0;
  const lane = async () => {
    for (; performance.now() - startedAt < seconds * 1_000; count++) await work();
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return (count * 1_000) / (performance.now() - startedAt);
}
