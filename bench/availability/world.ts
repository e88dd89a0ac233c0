/** Three gateways behind nginx, a worker, the registry's PostgreSQL with two standbys, Redis with a Sentinel: all processes of their own. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { createTenantRegistry, type TenantRegistry } from '../../src/client/index.js';
import { migrateRegistry } from '../../src/database/migrations/migrate.js';
import { addTenants, type ProvisionedTenant } from '../../test/client/support/killable-gateways.js';
import { startWorker, type WorkerProcess } from '../../test/interruption/worker-process.js';
import { allScopes } from '../../test/outage/support/breakable-gateways.js';
import { findFreePort } from '../../test/setup/free-port.js';
import { type GatewayProcess, insertKey, startGateway } from '../../test/setup/gateway-process.js';
import { type NginxServer, openNginxWith } from '../../test/setup/nginx.js';
import { openPostgresServer } from '../../test/setup/postgres-server.js';
import { openTcpProxy } from '../../test/setup/tcp-proxy.js';
import { type Network, openNetwork, type Place } from './network.js';
import { openRedisPair, type RedisPair } from './redis-pair.js';
import { RegistryServers } from './registry-servers.js';
import { mayMount, openSmallDisk } from './small-disk.js';

export const names = ['A', 'B', 'C'] as const;
export type Name = (typeof names)[number];

export interface World extends AsyncDisposable {
  network: Network;
  registry: RegistryServers;
  redis: RedisPair;
  nginx: NginxServer;
  tenants: ProvisionedTenant[];
  /** Tenants that writers suspend and resume. */
  changed: ProvisionedTenant[];
  urls: Record<Name, string>;
  traceFolder: string;
  gateway(name: Name): GatewayProcess;
  place(name: Name): Place;
  start(name: Name): Promise<void>;
  /** Moves the time of day of a gateway. */
  moveClock(name: Name, ms: number): Promise<void>;
  worker(): WorkerProcess;
  startWorker(): Promise<void>;
  connect(urls: readonly string[]): TenantRegistry;
  /** A pool for the finance database. */
  pool: pg.Pool;
  /** Error lines in the logs of gateways. */
  complaints(): string[];
}

const movedClock = pathToFileURL(join(import.meta.dirname, 'moved-clock.js')).href;

export async function openWorld(options: {
  stalenessMs: number;
  tenants: number;
  changed: number;
}): Promise<World> {
  const undo: (() => unknown)[] = [];
  const close = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const network = openNetwork(names.length);
    undo.push(() => network.close());
    const { address } = network;
    const registry = await RegistryServers.open((await mayMount()) ? openSmallDisk : undefined);
    undo.push(() => registry.close());
    const finance = await openPostgresServer();
    undo.push(() => finance.close());
    await finance.query('CREATE DATABASE finance');
    const financeNetwork = await openTcpProxy(finance.port, address);
    undo.push(() => financeNetwork.close());
    const serviceUrl = () =>
      finance.url('finance').replace(/@[^/]+\//, `@${address}:${financeNetwork.port}/`);
    await migrateRegistry(registry.primary.url('registry'));
    const key = await insertKey(registry.primary.url('registry'), ...allScopes);
    await registry.addStandbys();
    const redis = await openRedisPair(address);
    undo.push(() => redis.close());
    await redis.untilWhole();
    const folder = await mkdtemp(join(tmpdir(), 'tenant-registry-availability-'));
    undo.push(() => rm(folder, { recursive: true, force: true }));
    const traceFolder = join(folder, 'trace');

    const ports = { A: await findFreePort(), B: await findFreePort(), C: await findFreePort() };
    const place = (name: Name) => network.place(names.indexOf(name));
    const urlOf = (name: Name) => `http://${place(name).host}:${ports[name]}`;
    const ways = new Map<string, string>();
    for (const user of [...names, 'worker']) ways.set(user, (await registry.openNetwork(user, address)).url);
    const common = {
      ...{ STALENESS_BOUND_MS: `${options.stalenessMs}`, REQUIRE_SYNC_STANDBYS: '1', REDIS_URL: redis.url },
    };
    const gateways = new Map<Name, GatewayProcess>();
    const complaints: string[] = [];
    const start = async (name: Name) => {
      const { host, within } = place(name);
      complaints.push(...(gateways.get(name)?.complaints ?? []));
      const started = await startGateway({
        ...{ databaseUrl: ways.get(name) as string, serviceUrl, key, within },
        env: {
          ...common,
          ...{ WORKER: 'none', HOST: host, PORT: `${ports[name]}`, PROTOCOL_TRACE: traceFolder },
          ...{ NODE_OPTIONS: `--import ${movedClock}`, MOVED_CLOCK: join(folder, `clock-${name}`) },
        },
      });
      gateways.set(name, started);
    };
    const gateway = (name: Name) => gateways.get(name) as GatewayProcess;
    undo.push(() => Promise.all([...gateways.values()].map((running) => running.kill())));
    let worker: WorkerProcess | undefined;
    const openWorker = async () => {
      worker = await startWorker({
        ...common,
        DATABASE_URL: ways.get('worker') as string,
        ...Object.fromEntries(
          ['OPERATIONS', 'FINANCE', 'INVENTORY', 'DBTOOLS'].map((module) => [
            `${module}_DB_URL`,
            serviceUrl(),
          ]),
        ),
        DATA_DIR: '/dev/null/nowhere',
      });
    };
    undo.push(() => worker?.kill());
    await openWorker();
    for (const name of names) await start(name);
    const all = await addTenants(gateway('A'), finance, options.tenants + options.changed);
    const urls = { A: urlOf('A'), B: urlOf('B'), C: urlOf('C') };
    const nginx = await openNginxWith(shippedNginx(Object.values(urls)));
    undo.push(() => nginx[Symbol.asyncDispose]());
    const pool = new pg.Pool({ connectionString: finance.url('finance'), max: 12 });
    pool.on('error', () => undefined);
    undo.push(() => pool.end());
    return {
      ...{ network, registry, redis, nginx, urls, traceFolder, gateway, place, start, pool },
      tenants: all.slice(0, options.tenants),
      changed: all.slice(options.tenants),
      async moveClock(name, ms) {
        await writeFile(join(folder, `clock-${name}`), `${ms}`);
        process.kill(gateway(name).pid, 'SIGWINCH');
      },
      worker: () => worker as WorkerProcess,
      startWorker: openWorker,
      connect(urls) {
        const client = createTenantRegistry({ url: urls, apiKey: key, module: 'finance' });
        // Outages are part of the run.
        client.on('error', () => undefined);
        undo.push(() => client.close());
        return client;
      },
      complaints: () => [...complaints, ...[...gateways.values()].flatMap((running) => running.complaints)],
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The configuration of deploy/, with these gateways. */
function shippedNginx(gateways: readonly string[]) {
  const shipped = readFileSync(join(import.meta.dirname, '../../deploy/nginx.conf'), 'utf8');
  const servers = gateways.map((url) => `server ${new URL(url).host} max_fails=1 fail_timeout=2s;`);
  return ({ folder, port }: { folder: string; port: number }) =>
    shipped
      .replace(/server gateway-1:\d+ [^;]*;\s+server gateway-2:\d+ [^;]*;/, servers.join('\n'))
      .replace(/listen \d+;/, `listen 127.0.0.1:${port};`)
      .replaceAll('/tmp/', `${folder}/`);
}
