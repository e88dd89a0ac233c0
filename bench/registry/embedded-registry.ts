/** An embedded PostgreSQL with a migrated registry in it, in a folder of its own that goes with the run. */
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { openEmbedded } from '../../src/database/embedded/embedded.js';
import { openLog } from '../../src/log.js';
import { runCommand } from './gateway.js';
import type { Undo } from './undo.js';

export interface EmbeddedRegistry {
  /** As DATA_DIR names it. */
  dataDir: string;
  /** Process id of the PostgreSQL server. */
  postgresPid: number;
  url(database: string): Promise<string>;
  /** Environment of a gateway that reaches it as it would reach any other PostgreSQL. */
  gatewayEnv(): Promise<Record<string, string>>;
  pool: pg.Pool;
}

const modules = ['operations', 'finance', 'inventory', 'dbtools'];
/** As in the tests: nothing here has to survive a crash of the machine, and a disk would hide what the product costs. */
const settings = { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' };

export async function openEmbeddedRegistry(
  undo: Undo,
  moreSettings: Record<string, string> = {},
): Promise<EmbeddedRegistry> {
  // Named so that the next test run removes it, and its PostgreSQL, should this run be killed.
  const folder = await mkdtemp(join(tmpdir(), `tenant-registry-test-${process.pid}-`));
  undo.add(() => rm(folder, { recursive: true, force: true }));
  // As root, PostgreSQL runs as another user, who must get in.
  await chmod(folder, 0o755);
  const dataDir = join(folder, 'data');
  const options = { dataDir, exclusive: false, log: openLog('error'), preferredPort: 0 };
  const embedded = await openEmbedded(options);
  undo.add(() => embedded.close());

  const url = (database: string) => embedded.databaseUrl(database);
  const registryUrl = await url('registry');
  const pool = new pg.Pool({ connectionString: registryUrl, max: 4 });
  // A pool has ended before its connections have: then PostgreSQL may still tell them that it stops.
  pool.on('error', () => undefined);
  undo.add(() => pool.end());
  for (const [name, value] of Object.entries({ ...settings, ...moreSettings }))
    await pool.query(`ALTER SYSTEM SET ${name} = ${pg.escapeLiteral(value)}`);
  await pool.query('SELECT pg_reload_conf()');

  const gatewayEnv = async () => ({
    DATABASE_URL: registryUrl,
    ...Object.fromEntries(
      await Promise.all(modules.map(async (name) => [`${name.toUpperCase()}_DB_URL`, await url(name)])),
    ),
  });
  await runCommand(['migrate'], await gatewayEnv());
  const pidFile = await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').catch(() => '');
  return { dataDir, postgresPid: Number.parseInt(pidFile, 10), url, gatewayEnv, pool };
}

/** Secret of a new key, made at the command line. */
export async function createKey(registry: EmbeddedRegistry, scopes: string): Promise<string> {
  const args = ['keys', 'create', '--name', 'bench', '--scopes', scopes, '--json'];
  return JSON.parse(await runCommand(args, await registry.gatewayEnv())).secret;
}

/**
 * Tenants with numbers from one to another, each subscribed to finance. By SQL, for no storage is needed to ask where it
 * is; with all triggers, so that change log and counts are what mutations would have left.
 */
export async function insertTenants(pool: pg.Pool, from: number, to: number): Promise<void> {
  await pool.query(
    `WITH made AS (
       INSERT INTO tenants (slug, name, plan, status)
       SELECT 'tenant-' || lpad(at::text, 8, '0'), 'Company ' || md5(at::text),
         (ARRAY['lite', 'pro', 'enterprise'])[1 + at % 3]::plan,
         CASE WHEN at % 100 = 99 THEN 'suspended' ELSE 'active' END::tenant_status
       FROM generate_series($1::int, $2::int) AS at
       RETURNING id)
     INSERT INTO module_subscriptions (tenant_id, module, status) SELECT id, 'finance', 'active' FROM made`,
    [from, to],
  );
}
