/**
 * `npx tsx bench/capacity.ts [--tenants 100000]`: the figures of docs/capacity.md: space of a registry with so many tenants, growth of the
 * change log per change, memory of a gateway that holds all routes, its connections, and requests/s per core from memory.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readCpuUs } from './compare/cpu-time.js';
import { askGraphql } from './registry/ask.js';
import { createKey, openEmbeddedRegistry } from './registry/embedded-registry.js';
import { startGateway } from './registry/gateway.js';
import { openUndo } from './registry/undo.js';
import { loadTenants } from './scale/load.js';

const { values: given } = parseArgs({ options: { tenants: { type: 'string', default: '100000' } } });
const tenants = Number(given.tenants);
const keysPerRequest = 500;
const requests = 20_000;
const atOnce = 32;
const changes = 200;
const say = (line: string) => void process.stdout.write(`${line}\n`);
const oneRoute = 'query ($id: ID!) { tenantSchema(id: $id, module: "finance") { schemaName } }';

const undo = openUndo();
try {
  const registry = await openEmbeddedRegistry(undo);
  const { pool } = registry;
  const emptyBytes = await databaseBytes();
  await loadTenants(pool, 1, tenants);
  await pool.query('VACUUM ANALYZE');
  say(
    `space of a tenant with a module, a member and an operation: ${perTenant((await databaseBytes()) - emptyBytes)} bytes`,
  );

  const key = await createKey(registry, 'resolve:*,registry:read,registry:write');
  const gateway = await startGateway(undo, { ...(await registry.gatewayEnv()), LOG_REQUESTS: 'none' }, key);
  await gateway.ask(oneRoute, { id: slugOf(1) });
  const idleBytes = residentBytes(gateway.pid);
  say(`gateway without tenants in memory: ${megabytes(idleBytes)} MB resident`);
  const keys = Array.from({ length: tenants }, (_, at) => ({ id: slugOf(at + 1), module: 'finance' }));
  for (let from = 0; from < tenants; from += keysPerRequest) {
    const text = 'query ($keys: [TenantSchemaKey!]!) { tenantSchemas(keys: $keys) { __typename } }';
    await gateway.ask(text, { keys: keys.slice(from, from + keysPerRequest) });
  }
  say(`the same with ${tenants} routes in memory: ${megabytes(residentBytes(gateway.pid))} MB resident`);

  const cpuSeconds = () => (readCpuUs(gateway.pid) ?? Number.NaN) / 1e6;
  const cpuBefore = cpuSeconds();
  const begun = performance.now();
  let asked = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (asked < requests) await askGraphql(gateway.url, oneRoute, { id: activeSlug(asked++) }, key);
    }),
  );
  const cpu = cpuSeconds() - cpuBefore;
  say(
    `one route per request from memory: ${Math.round(requests / cpu)} requests per second of CPU time of the gateway`,
  );
  say(
    `  (this client, on the same machine, sent ${Math.round(requests / ((performance.now() - begun) / 1_000))} per second)`,
  );

  const { rows } = await pool.query<{ count: number }>(
    `SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'tenant-registry%'`,
  );
  say(`connections to the registry meanwhile: ${rows[0]?.count}`);

  const logBefore = await logBytes();
  for (let at = 0; at < changes; at++) {
    const change = at % 2 === 0 ? 'suspendTenant' : 'resumeTenant';
    const input = { tenantId: slugOf(1), ...(at % 2 === 0 && { reason: 'invoice 4711 is unpaid' }) };
    await gateway.ask(
      `mutation ($input: ${change[0]?.toUpperCase()}${change.slice(1)}Input!) { ${change}(input: $input) { revision } }`,
      { input },
    );
  }
  say(
    `change log per suspension or resumption: ${Math.round(((await logBytes()) - logBefore) / changes)} bytes with its indexes`,
  );

  async function databaseBytes(): Promise<number> {
    return Number((await pool.query('SELECT pg_database_size(current_database()) AS bytes')).rows[0].bytes);
  }
  async function logBytes(): Promise<number> {
    return Number(
      (await pool.query(`SELECT pg_total_relation_size('registry_change') AS bytes`)).rows[0].bytes,
    );
  }
} finally {
  await undo.run();
}

function slugOf(number: number): string {
  return `tenant-${String(number).padStart(8, '0')}`;
}

/** Of a hundred loaded tenants one is suspended. */
function activeSlug(turn: number): string {
  const number = 1 + ((turn * 7_919) % tenants);
  return slugOf(number % 100 === 99 ? number - 1 : number);
}

function perTenant(bytes: number): string {
  return (bytes / tenants).toFixed(0);
}

function megabytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}

function residentBytes(pid: number): number {
  const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
  return pages * 4_096;
}
