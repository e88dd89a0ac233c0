/**
 * Eight writers on two gateways for a minute, and what became of registry and change log:
 * `npx tsx bench/soak-writers.ts [seconds] [seed]`. Exit code 0 only when nothing is wrong.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { type App, openApp } from '../src/app.js';
import type { Config } from '../src/config.js';
import { type EmbeddedPostgres, openEmbedded } from '../src/database/embedded/embedded.js';
import { openLog } from '../src/log.js';
import { strictConfigRules } from '../src/registry/values/config-rules.js';
import { openServer, type Server } from '../src/server/server.js';
import { endSessionsAndCount, examineLog } from '../test/concurrency/support/change-log.js';
import { runWriters } from '../test/concurrency/support/writers.js';
import { noRates } from '../test/setup/no-rates.js';
import { usualRequestLimits } from '../test/setup/request-limits.js';

type Door = Parameters<typeof runWriters>[0]['doors'][number];

const seconds = Number(process.argv[2] ?? 60);
const seed = Number(process.argv[3] ?? Math.trunc(Math.random() * 0x7fffffff));
const modules = ['inventory', 'operations'];

const folder = await mkdtemp(join(tmpdir(), 'tenant-registry-soak-'));
// As root, PostgreSQL runs as another user, who must get in.
await chmod(folder, 0o755);
const log = openLog('error');
const postgres = await openEmbedded({ dataDir: folder, exclusive: true, log, preferredPort: 0 });
try {
  process.exitCode = (await soak(postgres)) ? 0 : 1;
} finally {
  await postgres.close();
  await rm(folder, { recursive: true, force: true });
}

async function soak(embedded: EmbeddedPostgres): Promise<boolean> {
  const config: Config = {
    databaseUrl: await embedded.databaseUrl('registry'),
    serviceDatabaseUrls: {
      INVENTORY_DB_URL: await embedded.databaseUrl('inventory'),
      OPERATIONS_DB_URL: await embedded.databaseUrl('operations'),
    },
    ...{
      serviceDatabaseReadUrls: {},
      databaseDirectUrl: undefined,
      serviceDatabaseDirectUrls: {},
      moduleDbVariables: [],
      host: '127.0.0.1',
      port: 0,
      adminPort: undefined,
      basePath: '',
      corsOrigins: [],
      keepAliveTimeoutMs: 75_000,
      clientsDir: undefined,
      authMode: 'open',
      showsGraphiql: false,
      requiresTrustedDocuments: false,
      rates: noRates,
      trustedProxies: undefined,
      redisUrl: undefined,
      driftScanHours: 0,
      auditKey: undefined,
      apiKeyLifetimeDays: 365,
      tokenKeyLifetimeDays: 90,
      identityProvider: undefined,
      adminLogin: undefined,
      configRules: strictConfigRules,
      stalenessMs: 5_000,
      requiredStandbys: 0,
      traceFolder: undefined,
      logLevel: { rest: 'error', parts: {} },
      logRequests: 'failed',
      dataDir: folder,
    },
    modulesDir: new URL('../modules', import.meta.url).pathname,
    shutdownTimeoutMs: 10_000,
    requestLimits: usualRequestLimits,
    metricsTenants: undefined,
    tracing: undefined,
    runsWorker: false,
    heartbeatMs: 5_000,
    takeOverAfterMs: 15_000,
  };
  const databases = [config.databaseUrl ?? '', ...Object.values(config.serviceDatabaseUrls)];
  const gateways: { app: App; server: Server }[] = [];
  for (let count = 0; count < 2; count++) {
    const app = await openApp(config, log, { exclusive: true });
    gateways.push({ app, server: await openServer(app) });
  }
  const hand = new pg.Client({ connectionString: databases[0] });
  await hand.connect();
  // Commands shall meet each other, not wait for a disk.
  for (const setting of ['fsync', 'full_page_writes', 'synchronous_commit'])
    await hand.query(`ALTER SYSTEM SET ${setting} = off`);
  await hand.query('SELECT pg_reload_conf()');

  say(`seed ${seed}, ${seconds} s, fsync off`);
  const startedAt = performance.now();
  const report = await runWriters({
    doors: gateways.map(({ server }) => doorOf(server)),
    byHand: (sql) => hand.query(sql),
    ...{ writers: 8, tenants: 20, modules, forMs: seconds * 1_000, atLeast: 0, seed },
  });
  const ranMs = performance.now() - startedAt;
  await hand.end();
  for (const { server, app } of gateways) {
    await server.close();
    await app.close();
  }

  const history = await examineLog(databases[0] ?? '');
  const counts = await Promise.all(databases.map(endSessionsAndCount));
  const deadlocks = counts.reduce((sum, count) => sum + count.deadlocks, 0);
  const perSecond = (count: number) => `${count} (${((count * 1_000) / ranMs).toFixed(1)}/s)`;
  say(`commands      ${perSecond(report.commands)}`);
  say(`transactions  ${perSecond(counts[0]?.commits ?? 0)} committed in the registry`);
  say(`revisions     ${perSecond(history.head)}, ${history.entries} entries`);
  say(`answers       ${JSON.stringify(report.answers)}`);
  say(`deadlocks     ${deadlocks}`);
  say(`holes         ${history.holes}`);
  say(
    `broken links  ${history.brokenLinks}, altered entries ${history.altered}, head is last: ${history.isHeadLast}`,
  );
  say(`surprises     ${report.surprises.length}`);
  for (const surprise of report.surprises.slice(0, 20)) say(`  ${surprise}`);
  return (
    deadlocks + history.holes + history.brokenLinks + history.altered + report.surprises.length === 0 &&
    history.isHeadLast &&
    history.revisions === history.head
  );
}

function doorOf(server: Server): Door {
  return {
    async ask(query, variables) {
      const response = await fetch(`${server.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query, variables }),
      });
      const answer = (await response.json()) as Partial<Awaited<ReturnType<Door['ask']>>>;
      return { data: answer.data, errors: answer.errors ?? [] };
    },
  };
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
