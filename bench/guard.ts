/**
 * `npx tsx bench/guard.ts [rounds] [url]`: compares entering through the guard with a plain set_config of the same search_path,
 * alternating in one session, on the embedded PostgreSQL or on the server of the URL.
 */
import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { openEmbedded } from '../src/database/embedded/embedded.js';
import { openLog } from '../src/log.js';
import { applyBinding } from '../src/provisioning/fence/binding.js';
import { installGuard } from '../src/provisioning/fence/guard.js';

const rounds = Number(process.argv[2] ?? 40);
const given = process.argv[3];
/** Calls inside the server per round, without the network. */
const calls = 5_000;
/** Round trips per round, as a service makes them. */
const trips = 300;
const tenants = 1_000;
const goalUs = 10;
const say = (line: string) => void process.stdout.write(`${line}\n`);

const folder = await mkdtemp(join(tmpdir(), 'tenant-registry-bench-'));
await chmod(folder, 0o755);
const embedded = given
  ? undefined
  : await openEmbedded({
      dataDir: join(folder, 'data'),
      exclusive: true,
      log: openLog('error'),
      preferredPort: 0,
    });
const administrator = new pg.Client({ connectionString: given ?? (await embedded?.databaseUrl('postgres')) });
await administrator.connect();
const name = `guard_bench_${process.pid}`;
await administrator.query(`CREATE DATABASE ${name}`);
try {
  process.exitCode = (await compare()) <= goalUs ? 0 : 1;
} finally {
  await administrator.query(`DROP DATABASE ${name} WITH (FORCE)`);
  await administrator.end();
  await embedded?.close();
  await rm(folder, { recursive: true, force: true });
}

async function compare(): Promise<number> {
  const url = new URL(given ?? (await embedded?.databaseUrl('postgres')) ?? '');
  url.pathname = `/${name}`;
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  await installGuard(client);
  for (let at = 0; at < tenants; at++) {
    const schemaName = `finance_tenant_${at}`;
    await client.query(`CREATE SCHEMA ${schemaName}`);
    const owner = { tenantId: randomUUID(), module: 'finance' };
    const newState = { generation: 1, state: 'active', epoch: 'one', revision: 1n, began: 0n } as const;
    await applyBinding(client, { schemaName, owner }, async () => newState);
  }
  await client.query('ANALYZE tenant_guard.binding');
  const { rows } = await client.query(
    `SELECT tenant_id AS id, schema_name AS name FROM tenant_guard.binding`,
  );

  const ways = {
    plain: (schema: string, _tenant: string) => `set_config('search_path', '"' || ${schema} || '"', true)`,
    guarded: (schema: string, tenant: string) =>
      `set_config('search_path', tenant_guard.enter(${tenant}, ${schema}, 1), true)`,
  };
  type Way = keyof typeof ways;
  const inServer: Record<Way, number[]> = { plain: [], guarded: [] };
  const overNetwork: Record<Way, number[]> = { plain: [], guarded: [] };
  const names: Way[] = ['plain', 'guarded'];
  for (let round = -3; round < rounds; round++) {
    for (const way of round % 2 === 0 ? names : names.toReversed()) {
      const tenant = rows[Math.abs(round * 7) % rows.length];
      const loop = `PERFORM ${ways[way](`'${tenant.name}'::text`, `'${tenant.id}'::uuid`)};`;
      const startedAt = performance.now();
      await client.query(`DO $$ BEGIN FOR at IN 1..${calls} LOOP ${loop} END LOOP; END $$`);
      const serverUs = ((performance.now() - startedAt) * 1_000) / calls;
      const text = `SELECT ${ways[way]('$1::text', '$2::uuid')} WHERE $2::uuid IS NOT NULL`;
      const tripsFrom = performance.now();
      for (let trip = 0; trip < trips; trip++)
        await client.query({ name: way, text, values: [tenant.name, tenant.id] });
      const tripUs = ((performance.now() - tripsFrom) * 1_000) / trips;
      // The first rounds are for warming up.
      if (round < 0) continue;
      inServer[way].push(serverUs);
      overNetwork[way].push(tripUs);
    }
  }
  await client.end();
  const cost = report('inside the server', inServer);
  report('per round trip', overNetwork);
  return cost;
}

/** Prints the tenth percentile, which other load on the machine disturbs least; returns the additional cost of the guard. */
function report(title: string, { plain, guarded }: { plain: number[]; guarded: number[] }): number {
  const fast = (times: number[]) =>
    times.toSorted((one, other) => one - other)[Math.floor(times.length / 10)] ?? 0;
  const [without, withGuard] = [fast(plain), fast(guarded)];
  const more = withGuard - without;
  const ratio = (withGuard / without).toFixed(2);
  say(
    `${title}: set_config ${without.toFixed(2)} µs, with the guard ${withGuard.toFixed(2)} µs: +${more.toFixed(2)} µs, ×${ratio}`,
  );
  return more;
}
