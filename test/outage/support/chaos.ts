/**
 * Two gateway processes, one Redis, one PostgreSQL, clients that change between the gateways, services with the client
 * package, and faults in all of them.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { migrateRegistry } from '../../../src/database/migrations/migrate.js';
import { readTraces, replay } from '../../model/replay.js';
import { findFreePort } from '../../setup/free-port.js';
import { type GatewayProcess, insertKey, startGateway } from '../../setup/gateway-process.js';
import { openPostgresServer } from '../../setup/postgres-server.js';
import { createRandom } from '../../setup/random.js';
import { openRedisCluster, openRedisServer } from '../../setup/redis.js';
import { openTcpProxy, type TcpProxy } from '../../setup/tcp-proxy.js';
import { addTenants, allScopes } from './breakable-gateways.js';
import {
  type ChaosRun,
  type ChaosTenant,
  type Notebook,
  pick,
  runConfigReader,
  runMutator,
  runReader,
} from './chaos-clients.js';
import { runDoorFaults } from './chaos-doors.js';
import { type Fault, runFaults } from './chaos-faults.js';
import { judge, type Verdict } from './chaos-judge.js';
import { runService, type Service } from './chaos-sdk.js';
import { type LogRow, logSql } from './chaos-truth.js';

export interface ChaosReport extends Verdict {
  seed: number;
  seconds: number;
  editsByHand: number;
  /** Steps of the gateways' protocol logs, and those that the model does not allow. */
  steps: number;
  refusedSteps: string[];
  /** Error lines in the logs of the gateways. */
  complaints: string[];
}

export interface ChaosOptions {
  seconds: number;
  seed?: number;
  stalenessMs?: number;
  /** Use a Redis Cluster of three nodes, of which one at a time fails. */
  isCluster?: boolean;
  /** How many services use the client package. */
  services?: number;
  say?: (line: string) => void;
}

const mutators = 3;
const readers = 6;

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const {
    seconds,
    stalenessMs = 2_000,
    isCluster = false,
    services = 6,
    seed = Math.floor(Math.random() * 2 ** 31),
    say = () => undefined,
  } = options;
  const undo: (() => Promise<unknown>)[] = [];
  try {
    const postgres = await openPostgresServer();
    undo.push(() => postgres.close());
    for (const name of ['registry', 'service']) await postgres.query(`CREATE DATABASE ${name}`);
    await migrateRegistry(postgres.url('registry'));
    const psql = (sql: string, parameters?: unknown[]) => postgres.query(sql, parameters, 'registry');
    const key = await insertKey(postgres.url('registry'), ...allScopes);
    const redis = await openRedis(isCluster);
    undo.push(() => redis.close());
    const { redisNetwork } = redis;

    const networks = new Map<string, TcpProxy>();
    // Services find a restarted gateway at its former address.
    const ports = new Map<string, number>();
    const doors = new Map<string, TcpProxy>();
    for (const name of ['A', 'B']) {
      const port = await findFreePort();
      const [network, door] = [await openTcpProxy(postgres.port), await openTcpProxy(port)];
      networks.set(name, network);
      ports.set(name, port);
      doors.set(name, door);
      undo.push(
        () => network.close(),
        () => door.close(),
      );
    }
    const traceFolder = await mkdtemp(join(tmpdir(), 'tenant-registry-trace-'));
    undo.push(() => rm(traceFolder, { recursive: true, force: true }));
    const processes: GatewayProcess[] = [];
    const start = async (name: string) => {
      const network = networks.get(name) as TcpProxy;
      const started = await startGateway({
        databaseUrl: postgres.url('registry').replace(`:${postgres.port}/`, `:${network.port}/`),
        serviceUrl: () => postgres.url('service'),
        key,
        env: {
          ...{ STALENESS_BOUND_MS: `${stalenessMs}`, REDIS_URL: redis.url, PORT: `${ports.get(name)}` },
          PROTOCOL_TRACE: traceFolder,
        },
      });
      undo.push(() => started.kill());
      processes.push(started);
      return started;
    };
    const gateways = new Map(
      await Promise.all(['A', 'B'].map(async (name) => [name, await start(name)] as const)),
    );
    const born = (await addTenants({ psql }, 9)).map((tenant) => ({ ...tenant, isBorn: true }));
    const late = Array.from({ length: Math.ceil(seconds / 4) }, (_, at) => ({
      ...{ id: randomUUID(), slug: `late-${at}`, isBorn: false },
    }));
    say(`seed ${seed}: two gateways serve, ${seconds} s of chaos`);

    const notebook: Notebook = { answers: [], acknowledged: [], failures: [], mutations: [] };
    const endsAt = Date.now() + seconds * 1_000;
    const chaosRun: ChaosRun = {
      tenants: [...born, ...late],
      gateways,
      notebook,
      isOver: () => Date.now() >= endsAt,
      random: createRandom(seed),
    };
    const faults: Fault[] = [];
    const onFault = (fault: Fault) => {
      faults.push(fault);
      say(`${((fault.from - endsAt) / 1_000 + seconds).toFixed(1)} s  ${fault.name}`);
    };
    let editsByHand = 0;
    const work = [
      ...Array.from({ length: readers }, (_, at) => runReader(chaosRun, at % 2 === 0)),
      ...Array.from({ length: mutators }, (_, at) => runMutator(chaosRun, share(chaosRun.tenants, at))),
      runConfigReader(chaosRun),
      runEditor(chaosRun, born, psql, () => editsByHand++),
      ...Array.from({ length: services }, (_, at) =>
        runService(chaosRun, { name: `service ${at}`, key, ways: waysOf(at, ports, doors) }),
      ),
      runFaults({ chaosRun, redis: redis.nodes, redisNetwork, networks, start, stalenessMs }, onFault),
      runDoorFaults({ chaosRun, doors, stalenessMs }, onFault),
    ];
    await Promise.all(work);

    const log = (await psql(logSql)) as unknown as LogRow[];
    const complaints = processes.flatMap((process) => process.complaints);
    const { steps, refused: refusedSteps } = replay(await readTraces(traceFolder));
    const report = { seed, seconds, editsByHand, steps, refusedSteps, complaints };
    return { ...report, ...judge(notebook, faults, log, stalenessMs) };
  } finally {
    for (const step of undo.reverse()) await step();
  }
}

async function openRedis(isCluster: boolean) {
  if (isCluster) return { ...(await openRedisCluster()), redisNetwork: undefined };
  const server = await openRedisServer();
  const redisNetwork = await openTcpProxy(server.port);
  const close = async () => {
    await redisNetwork.close();
    await server.close();
  };
  return { url: `redis://127.0.0.1:${redisNetwork.port}`, nodes: [server], redisNetwork, close };
}

/** A third of the services use two proxies, a third one proxy, a third none. */
function waysOf(
  at: number,
  ports: ReadonlyMap<string, number>,
  doors: ReadonlyMap<string, TcpProxy>,
): Service['ways'] {
  return [...ports].map(([name, port], place) => {
    const door = at % 3 > place ? doors.get(name) : undefined;
    return {
      url: `http://127.0.0.1:${door?.port ?? port}`,
      passes: door ? [name, `door ${name}`] : [name],
    };
  });
}

/** Each writer has its own tenants, so that mutations of one tenant follow one another. */
function share(tenants: readonly ChaosTenant[], at: number): ChaosTenant[] {
  return tenants.filter((_, place) => place % mutators === at);
}

/** Edits rows by SQL, which waits for no acknowledgement. */
async function runEditor(
  chaosRun: ChaosRun,
  tenants: readonly ChaosTenant[],
  psql: (sql: string, parameters?: unknown[]) => Promise<unknown>,
  onEdit: () => void,
): Promise<void> {
  const edits = [
    `UPDATE tenants SET status = 'suspended', suspended_reason = gen_random_uuid()::text WHERE id = $1 AND status = 'active'`,
    `UPDATE tenants SET status = 'active' WHERE id = $1 AND status = 'suspended'`,
    `UPDATE module_subscriptions SET status = 'suspended' WHERE tenant_id = $1 AND status = 'active'`,
    `UPDATE module_subscriptions SET status = 'active' WHERE tenant_id = $1 AND status = 'suspended'`,
    `UPDATE tenants SET tenant_config = jsonb_build_object('at', gen_random_uuid()) WHERE id = $1`,
  ];
  while (!chaosRun.isOver()) {
    await psql(pick(chaosRun, edits), [pick(chaosRun, tenants).id]);
    onEdit();
    await delay(chaosRun.random() * 200);
  }
}
