/**
 * `npx tsx bench/writes.ts [--rounds 5] [--seconds 3] [--schemas 40] [--suspended 1000]`: registerTenant at 32 at once beside the INSERT with its triggers
 * (by pgbench where it is there), and subscribing with provisioning at 8 at once beside 4 sessions that run the same SQL files; in
 * turns, medians; then how long the guards take to follow one UPDATE in psql that suspends tenants. Writes bench/results/writes.json.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { describeMachine } from './compare/machine.js';
import { medianOf } from './compare/summary.js';
import { createKey, type EmbeddedRegistry, openEmbeddedRegistry } from './registry/embedded-registry.js';
import { type Gateway, startGateway } from './registry/gateway.js';
import { openUndo, type Undo } from './registry/undo.js';
import { provisionBySessions, provisionThroughGateway } from './writes/provisioning.js';
import { byPgbench, byPool, hasPgbench, throughGateway } from './writes/registrations.js';
import { suspendByUpdate } from './writes/suspensions.js';

const { values: given } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    schemas: { type: 'string', default: '40' },
    suspended: { type: 'string', default: '1000' },
  },
});
const rounds = Number(given.rounds);
const seconds = Number(given.seconds);
const schemas = Number(given.schemas);
const suspended = Number(given.suspended);
const goals = { registrations: 0.5, provisioning: 0.6, guardsMs: 10_000 };
const results = join(import.meta.dirname, 'results');
const say = (line: string) => void process.stdout.write(`${line}\n`);

const undo = openUndo();
try {
  process.exitCode = (await measureWrites(undo)) ? 0 : 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
} finally {
  await undo.run();
}

/** Whether all goals are reached. */
async function measureWrites(undo: Undo): Promise<boolean> {
  const registry = await openEmbeddedRegistry(undo);
  const key = await createKey(registry, 'registry:read,registry:write,provision');
  // With its worker, as it is run: operations are what it is measured by.
  const env = { ...(await registry.gatewayEnv()), WORKER: 'inside' };
  const gateway = await startGateway(undo, env, key);
  const provisioning = await compareProvisioning(registry, gateway);
  const registrations = await compareRegistrations(registry, gateway, undo);
  const suspensions = await suspendByUpdate(registry, suspended);
  say(
    `${suspended} tenants suspended by one UPDATE: committed after ${(suspensions.updateMs / 1_000).toFixed(1)} s, ` +
      `all guards after ${(suspensions.lastGuardMs / 1_000).toFixed(1)} s; goal ${goals.guardsMs / 1_000} s`,
  );

  await mkdir(results, { recursive: true });
  const file = join(results, 'writes.json');
  const machine = await describeMachine(registry.pool);
  const found = { date: new Date().toISOString(), machine, options: { rounds, seconds, schemas } };
  await writeFile(
    file,
    `${JSON.stringify({ ...found, registrations, provisioning, suspensions }, null, 2)}\n`,
  );
  say(`Written to ${file}`);
  return (
    registrations.ratio >= goals.registrations &&
    provisioning.ratio >= goals.provisioning &&
    suspensions.lastGuardMs <= goals.guardsMs
  );
}

interface Comparison {
  rounds: { gateway: number; alone: number }[];
  gatewayPerSecond: number;
  alonePerSecond: number;
  ratio: number;
}

async function compareRegistrations(
  registry: EmbeddedRegistry,
  gateway: Gateway,
  undo: Undo,
): Promise<Comparison & { tool: string }> {
  const databaseUrl = await registry.url('registry');
  const isThere = await hasPgbench();
  const tool = isThere ? 'pgbench' : 'pg';
  const alone = isThere ? await byPgbench(databaseUrl, undo) : byPool(databaseUrl, undo);
  const register = throughGateway(gateway);
  const comparison = await inTurns(
    () => register(seconds),
    () => alone(seconds),
  );
  say(
    `registerTenant, 32 at once: ${describe(comparison)} of the INSERT with its triggers by ${tool}; goal ${goals.registrations}`,
  );
  return { ...comparison, tool };
}

async function compareProvisioning(registry: EmbeddedRegistry, gateway: Gateway): Promise<Comparison> {
  const databaseUrl = await registry.url('finance');
  let round = 0;
  const names = (prefix: string) => Array.from({ length: schemas }, (_, at) => `${prefix}-${round}-${at}`);
  const comparison = await inTurns(
    () => provisionThroughGateway(gateway, names('provisioned')),
    async () => provisionBySessions(databaseUrl, names('alone')).finally(() => round++),
  );
  say(
    `subscribe and provision, 8 at once: ${describe(comparison)} of 4 sessions that run the same files; goal ${goals.provisioning}`,
  );
  return comparison;
}

/** The first round warms up and does not count. */
async function inTurns(
  throughGateway: () => Promise<number>,
  alone: () => Promise<number>,
): Promise<Comparison> {
  const measured: Comparison['rounds'] = [];
  for (let round = 0; round <= rounds; round++) {
    const one = { gateway: await throughGateway(), alone: await alone() };
    if (round > 0) measured.push(one);
  }
  const gatewayPerSecond = medianOf(measured.map(({ gateway }) => gateway));
  const alonePerSecond = medianOf(measured.map(({ alone }) => alone));
  return { rounds: measured, gatewayPerSecond, alonePerSecond, ratio: gatewayPerSecond / alonePerSecond };
}

function describe({ gatewayPerSecond, alonePerSecond, ratio }: Comparison): string {
  return `${gatewayPerSecond.toFixed(1)}/s beside ${alonePerSecond.toFixed(1)}/s, ${ratio.toFixed(2)}`;
}
