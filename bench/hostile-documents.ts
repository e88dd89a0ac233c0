/**
 * `npx tsx bench/hostile-documents.ts [--requests 2000] [--seed N] [--probes 600]`: hostile GraphQL documents against a gateway of its own, with
 * keys and with tenants that have 300 operations each. Prints the codes, the longest time for which one document held the
 * gateway's event loop, and the p99 of another caller's requests with and without the hostile ones. Exit code 1: a document held
 * the loop for longer than 200 ms, or an answer was an unexpected error.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { hostileRequests } from '../test/graphql/limits/support/hostile-documents.js';
import { createKey, insertTenants, openEmbeddedRegistry } from './registry/embedded-registry.js';
import { type Gateway, startGateway } from './registry/gateway.js';
import { openUndo, type Undo } from './registry/undo.js';

const { values: given } = parseArgs({
  options: {
    requests: { type: 'string', default: '2000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    // Requests of the other caller for each p99.
    probes: { type: 'string', default: '600' },
  },
});
const probes = Number(given.probes);
const limitMs = 200;
const tenants = 100;
const operationsPerTenant = 300;
const say = (line: string) => void process.stdout.write(`${line}\n`);

/** CPU time of a process in milliseconds, in steps of 10; Linux only. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function send(gateway: Gateway, key: string, body: object) {
  const response = await fetch(gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify(body),
  });
  const { errors } = (await response.json()) as { errors?: { extensions?: { code?: string } }[] };
  return errors ? (errors[0]?.extensions?.code ?? `HTTP ${response.status}`) : 'answered';
}

/** The longest delay of the gateway's event loop since the last call, in milliseconds. */
async function longestDelayMs(gateway: Gateway): Promise<number> {
  const text = await (await fetch(new URL('/metrics', gateway.url))).text();
  return 1_000 * Number(/^nodejs_eventloop_lag_max_seconds (\S+)$/m.exec(text)?.[1] ?? Number.NaN);
}

/** The p99 of routes and of lists, alternating, of a caller of its own. */
async function otherCallersP99(gateway: Gateway, key: string): Promise<number> {
  const taken: number[] = [];
  for (let at = 0; at < probes; at++) {
    const startedAt = performance.now();
    const query =
      at % 2 === 0
        ? `{ tenantSchema(id: "tenant-${String(1 + (at % tenants)).padStart(8, '0')}", module: "finance") { schemaName } }`
        : '{ tenants(first: 5) { edges { node { name } } } }';
    await send(gateway, key, { query });
    taken.push(performance.now() - startedAt);
  }
  taken.sort((one, other) => one - other);
  return taken[Math.floor(taken.length * 0.99)] ?? Number.NaN;
}

async function prepare(undo: Undo) {
  const registry = await openEmbeddedRegistry(undo);
  await insertTenants(registry.pool, 1, tenants);
  await registry.pool.query(
    `INSERT INTO members (tenant_id, email) SELECT id, slug || '-' || n || '@example.com' FROM tenants, generate_series(1, 200) AS n`,
  );
  await registry.pool.query(
    `WITH made AS (
       INSERT INTO operations (kind, tenant_id, actor, status, finished_at)
       SELECT 'subscribe_tenant', id, 'somebody', 'succeeded', now() FROM tenants, generate_series(1, $1::int) RETURNING id)
     INSERT INTO operation_steps (operation_id, position, name, module)
     SELECT id, position, 'create_schema', 'finance' FROM made, generate_series(0, 2) AS position`,
    [operationsPerTenant],
  );
  await registry.pool.query('ANALYZE');
  const hostile = await createKey(registry, 'registry:read,resolve:*,audit:read,documents:any,schema:read');
  const other = await createKey(registry, 'registry:read,resolve:*');
  const env = { ...(await registry.gatewayEnv()), AUTH_MODE: 'required' };
  const gateway = await startGateway(undo, env);
  // This one reads every document, however long those before took.
  const patient = await startGateway(undo, { ...env, RATE_DOCUMENT_MS: '0' });
  return { gateway, patient, hostile, other };
}

interface Kind {
  codes: Map<string, number>;
  delayMs: number;
  cpuMs: number;
}

async function measure(undo: Undo): Promise<boolean> {
  const { gateway, patient, hostile, other } = await prepare(undo);
  const seed = Number(given.seed);
  const requests = hostileRequests(seed, Number(given.requests));
  say(
    `seed ${seed}, ${requests.length} requests, ${tenants} tenants with ${operationsPerTenant} operations each`,
  );
  await otherCallersP99(gateway, other);
  const calm = await otherCallersP99(gateway, other);

  const kinds = new Map<string, Kind>();
  for (const { kind, ...body } of requests) {
    await longestDelayMs(patient);
    const before = cpuMs(patient.pid);
    const code = await send(patient, hostile, body);
    const used = cpuMs(patient.pid) - before;
    const delay = await longestDelayMs(patient);
    const seen = kinds.get(kind) ?? { codes: new Map(), delayMs: 0, cpuMs: 0 };
    seen.codes.set(code, (seen.codes.get(code) ?? 0) + 1);
    seen.delayMs = Math.max(seen.delayMs, delay);
    seen.cpuMs = Math.max(seen.cpuMs, used);
    kinds.set(kind, seen);
  }
  sayKinds(kinds);

  let isOver = false;
  const codes = new Map<string, number>();
  const attack = async (first: number) => {
    for (let at = first; !isOver; at += 2) {
      const { kind: _, ...body } = requests[at % requests.length] ?? { kind: '', query: '' };
      const code = await send(gateway, hostile, body);
      codes.set(code, (codes.get(code) ?? 0) + 1);
    }
  };
  const attacks = [attack(0), attack(1)];
  const attacked = await otherCallersP99(gateway, other);
  isOver = true;
  await Promise.all(attacks);
  say(`answers to two hostile connections: ${toldOf(codes)}`);
  return report(kinds, { calm, attacked });
}

function sayKinds(kinds: ReadonlyMap<string, Kind>): void {
  for (const [kind, { codes, delayMs, cpuMs }] of slowestFirst(kinds)) {
    say(
      `${kind.padEnd(36)} loop ${delayMs.toFixed(0).padStart(5)} ms  CPU ${String(cpuMs).padStart(5)} ms  ${toldOf(codes)}`,
    );
  }
}

function toldOf(codes: ReadonlyMap<string, number>): string {
  return [...codes].map(([code, count]) => `${code} ${count}`).join(', ');
}

function slowestFirst(kinds: ReadonlyMap<string, Kind>): [string, Kind][] {
  return [...kinds].sort(([, one], [, other]) => other.delayMs - one.delayMs);
}

function report(kinds: ReadonlyMap<string, Kind>, p99: { calm: number; attacked: number }): boolean {
  const slowest = slowestFirst(kinds)[0]?.[1].delayMs ?? 0;
  const codes = new Set([...kinds.values()].flatMap(({ codes }) => [...codes.keys()]));
  const unexpected = [...codes].filter(
    (code) => !/^(QUERY_TOO_COMPLEX|VALIDATION_ERROR|answered)$/.test(code),
  );
  say(`longest hold of the event loop: ${slowest.toFixed(0)} ms (limit ${limitMs})`);
  say(`unexpected codes: ${unexpected.join(', ') || 'none'}`);
  say(
    `p99 of another caller: ${p99.calm.toFixed(1)} ms alone, ${p99.attacked.toFixed(1)} ms during two hostile connections, ` +
      `ratio ${(p99.attacked / p99.calm).toFixed(2)}`,
  );
  return slowest <= limitMs && unexpected.length === 0;
}

const undo = openUndo();
try {
  process.exitCode = (await measure(undo)) ? 0 : 1;
} finally {
  await undo.run();
}
