/**
 * `npx tsx bench/redis-outage.ts [seconds] [clients]`: a gateway process under load while its Redis is up, refuses, is frozen,
 * 2 s slow, resets connections. The goal: no errors, and a p99 within twice that of Redis up.
 */
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { openEmbedded } from '../src/database/embedded/embedded.js';
import { migrateRegistry } from '../src/database/migrations/migrate.js';
import { openLog } from '../src/log.js';
import { findFreePort } from '../test/setup/free-port.js';
import { insertKey } from '../test/setup/gateway-process.js';
import { openRedisServer } from '../test/setup/redis.js';
import { openTcpProxy } from '../test/setup/tcp-proxy.js';
import { until } from '../test/setup/until.js';

/** This program is started once more, to be the network: it would slow down the clients, or they it. */
if (process.argv[2] === 'network') {
  const proxy = await openTcpProxy(Number(process.argv[3]));
  let resetting: NodeJS.Timeout | undefined;
  process.on('message', (fault) => {
    clearInterval(resetting);
    if (fault === 'slow') proxy.delay(2_000);
    else if (fault === 'resetting') resetting = setInterval(() => proxy.reset(), 100);
    else proxy.heal();
  });
  process.on('disconnect', () => process.exit());
  process.send?.(proxy.port);
  await once(process, 'exit');
}

const [seconds = 60, clients = 50] = process.argv.slice(2).map(Number);
const goal = 2;
const say = (line: string) => void process.stdout.write(`${line}\n`);

/** Asked for all the time, so in the gateway's memory. */
const hotTenants = 500;
/** Asked for once by this gateway and before by another, so in Redis while it is up. */
const sharedTenants = 40_000;

await using postgres = await openPostgres();
const databaseUrl = await postgres.databaseUrl('registry');
await migrateRegistry(databaseUrl);
await insertTenants();
const key = await insertKey(databaseUrl, 'resolve:*');
await using redis = await openRedisServer();
const agent = new Agent({ keepAlive: true, maxSockets: clients });
await warm(redis.url);
const network = fork(import.meta.filename, ['network', `${redis.port}`], { execArgv: ['--import', 'tsx'] });
const [networkPort] = await once(network, 'message');
await using gateway = await openGateway(`redis://127.0.0.1:${networkPort}`);

interface Outcome {
  errors: Map<string, number>;
  /** In milliseconds, of each question. */
  times: number[];
  tookMs: number;
  /** How often the breaker was open at the end of a turn. */
  open: number;
}

const situations: [name: string, begin: () => unknown, end: () => unknown][] = [
  ['up', () => undefined, () => undefined],
  ['refusing', () => redis.stop(), () => redis.start()],
  ['frozen', () => redis.freeze(), () => redis.thaw()],
  ['2 s slow', () => network.send('slow'), () => network.send('heal')],
  ['resetting', () => network.send('resetting'), () => network.send('heal')],
];

const outcomes = situations.map(([name, begin, end]) => {
  const outcome: Outcome = { errors: new Map(), times: [], tookMs: 0, open: 0 };
  return { name, begin, end, outcome };
});
// In turns, so that whatever else this machine does meets all of them.
const turns = Math.max(1, Math.min(5, Math.floor(seconds / 4)));
let strangers = 0;
let shared = 0;
await load(5, { errors: new Map(), times: [], tookMs: 0, open: 0 });
for (let turn = 0; turn < turns; turn++) {
  for (const { begin, end, outcome } of outcomes) {
    await isRedisUsed();
    await begin();
    await load(seconds / turns, outcome);
    if ((await metrics()).isOpen) outcome.open++;
    await end();
  }
}

say(
  `${clients} clients, ${seconds} s each in ${turns} turns; of ten questions eight are in memory, one in Redis`,
);
say('situation     errors  requests/s   p50 ms   p99 ms   slowest   p99 : up   breaker open');
const up = percentile(outcomes[0]?.outcome.times ?? [], 0.99);
let isMissed = false;
for (const { name, outcome } of outcomes) {
  const { errors, times, tookMs, open } = outcome;
  const failed = [...errors.values()].reduce((sum, count) => sum + count, 0);
  const p99 = percentile(times, 0.99);
  isMissed ||= failed > 0 || p99 / up > goal;
  const columns: [text: string, width: number][] = [
    [`${failed}`, 7],
    [((times.length / tookMs) * 1_000).toFixed(0), 11],
    [percentile(times, 0.5).toFixed(2), 8],
    [p99.toFixed(2), 8],
    [percentile(times, 1).toFixed(0), 9],
    [(p99 / up).toFixed(2), 10],
    [`${open} of ${turns}`, 14],
  ];
  say(name.padEnd(12) + columns.map(([text, width]) => ` ${text.padStart(width)}`).join(''));
  for (const [error, count] of errors) say(`  ${count} × ${error}`);
}
say(isMissed ? `missed: errors, or a p99 above ${goal} × up` : 'reached');
process.exitCode = isMissed ? 1 : 0;
agent.destroy();
network.disconnect();

async function load(forSeconds: number, outcome: Outcome): Promise<void> {
  const { errors, times } = outcome;
  const startedAt = performance.now();
  const endAt = startedAt + forSeconds * 1_000;
  const client = async (_: unknown, offset: number) => {
    for (let round = offset; performance.now() < endAt; round++) {
      const [id, expected] = nextQuestion(round);
      const askedAt = performance.now();
      const answer = await ask(id).catch((error) => `${error}`);
      times.push(performance.now() - askedAt);
      if (!answer.includes(expected)) errors.set(answer, (errors.get(answer) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  outcome.tookMs += performance.now() - startedAt;
}

function percentile(times: number[], share: number): number {
  times.sort((a, b) => a - b);
  return times[Math.floor((times.length - 1) * share)] ?? 0;
}

function nextQuestion(round: number): [id: string, expected: string] {
  if (round % 10 === 0) return [`stranger-${++strangers}`, 'TENANT_NOT_FOUND'];
  const number = round % 10 === 5 ? hotTenants + (++shared % sharedTenants) : (round * 7) % hotTenants;
  return [`t${number}`, `finance_t${number}`];
}

function ask(id: string): Promise<string> {
  const query = 'query ($id: ID!) { tenantSchema(id: $id, module: "finance") { schemaName } }';
  return post(gateway.url, { query, variables: { id } });
}

function post(url: string, body: object): Promise<string> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` };
  return new Promise((resolve, reject) => {
    const asked = request(`${url}/graphql`, { method: 'POST', agent, headers }, (response) => {
      let answer = '';
      response.setEncoding('utf8');
      response.on('data', (text) => {
        answer += text;
      });
      response.on('end', () => resolve(answer));
      response.on('error', reject);
    });
    asked.on('error', reject);
    asked.end(JSON.stringify(body));
  });
}

/** Waits, asking, until a gateway that has been without Redis uses it again. */
async function isRedisUsed(): Promise<void> {
  await until(async () => {
    const before = await metrics();
    await ask(`stranger-${++strangers}`);
    const { isOpen, redisLookups } = await metrics();
    return !isOpen && redisLookups > before.redisLookups;
  }, 20_000);
}

async function metrics() {
  const text = await (await fetch(`${gateway.url}/metrics`)).text();
  const value = (name: string) => Number(text.split(`\n${name} `)[1]?.split('\n')[0] ?? 0);
  return {
    isOpen: value('tenant_registry_redis_breaker_open') === 1,
    redisLookups: value('tenant_registry_cache_misses_total{tier="redis"}'),
  };
}

async function openGateway(redisUrl: string) {
  const port = await findFreePort();
  const serviceUrls: Record<string, string> = {};
  for (const name of ['operations', 'finance', 'inventory', 'dbtools'])
    serviceUrls[`${name.toUpperCase()}_DB_URL`] = await postgres.databaseUrl(name);
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', 'serve'], {
    cwd: join(import.meta.dirname, '..'),
    env: {
      PATH: process.env.PATH,
      DATABASE_URL: databaseUrl,
      ...serviceUrls,
      DATA_DIR: '/dev/null/nowhere',
      PORT: `${port}`,
      REDIS_URL: redisUrl,
      LOG_LEVEL: 'error',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const url = `http://127.0.0.1:${port}`;
  const end = async () => {
    child.kill();
    await once(child, 'exit');
  };
  await until(
    () =>
      fetch(`${url}/ready`).then(
        ({ ok }) => ok,
        () => false,
      ),
    30_000,
  );
  return { url, [Symbol.asyncDispose]: end };
}

/** Has another gateway read every tenant into Redis. */
async function warm(redisUrl: string): Promise<void> {
  await using another = await openGateway(redisUrl);
  for (let first = 0; first < hotTenants + sharedTenants; first += 100) {
    const keys = Array.from({ length: 100 }, (_, at) => ({ id: `t${first + at}`, module: 'finance' }));
    const query = 'query ($keys: [TenantSchemaKey!]!) { tenantSchemas(keys: $keys) { __typename } }';
    const answer = await post(another.url, { query, variables: { keys } });
    if (answer.includes('"errors"')) throw new Error(answer);
  }
}

async function openPostgres() {
  const folder = await mkdtemp(join(tmpdir(), 'tenant-registry-bench-'));
  // As root, PostgreSQL runs as another user, who must get in.
  await chmod(folder, 0o755);
  const options = { dataDir: join(folder, 'data'), exclusive: true, log: openLog('error'), preferredPort: 0 };
  const embedded = await openEmbedded(options);
  const close = async () => {
    await embedded.close();
    await rm(folder, { recursive: true });
  };
  return { ...embedded, [Symbol.asyncDispose]: close };
}

/** Straight into the tables: what is measured is reading them. */
async function insertTenants(): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    // Not even its change log is read.
    await client.query('SET session_replication_role = replica');
    const last = hotTenants + sharedTenants - 1;
    await client.query(`INSERT INTO tenants (slug, name, status) SELECT 't' || at, 't' || at, 'active'
                        FROM generate_series(0, ${last}) at`);
    await client.query(`INSERT INTO module_subscriptions
        (tenant_id, module, isolation, database_name, schema_name, status, provisioned_at)
      SELECT id, 'finance', 'schema', 'finance', 'finance_' || slug, 'active', now() FROM tenants`);
  } finally {
    await client.end();
  }
}
