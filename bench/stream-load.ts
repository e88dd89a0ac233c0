/**
 * `npx tsx bench/stream-load.ts [--subscribers 1000] [--changes 200] [--seconds 10]`: resolves beside subscribers of
 * routesChanged. Changes are written by SQL, as many per second as given, at first without subscribers. Prints the p99 of
 * resolves without and with the subscribers, and the gateway's CPU time per delivered event. Exit code 1: an event was
 * missing, doubled or out of order, or a resolve failed.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { readCpuUs } from './compare/cpu-time.js';
import { askGraphql } from './registry/ask.js';
import { askChild } from './registry/ask-child.js';
import {
  createKey,
  type EmbeddedRegistry,
  insertTenants,
  openEmbeddedRegistry,
} from './registry/embedded-registry.js';
import { type Gateway, startGateway } from './registry/gateway.js';
import { openUndo, type Undo } from './registry/undo.js';
import type { Heard, SubscribersOptions } from './streams/subscribers.js';

const { values: given } = parseArgs({
  options: {
    subscribers: { type: 'string', default: '1000' },
    changes: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '10' },
  },
});
const subscribers = Number(given.subscribers);
const changesPerSecond = Number(given.changes);
const seconds = Number(given.seconds);
const tenants = 100;
/** Requests of the measured client that are open at a time, and its pause after each. */
const resolvers = 4;
const pauseMs = 2;
const warmUpSeconds = 3;
const catchUpMs = 60_000;
const say = (line: string) => void process.stdout.write(`${line}\n`);

interface Phase {
  p50: number;
  p99: number;
  resolves: number;
  failures: number;
  changes: number;
  cpuMs: number;
}

/** Where there is no /proc, not a number. */
const cpuMs = (pid: number) => (readCpuUs(pid) ?? Number.NaN) / 1_000;

/** Each change is a transaction of one row. Late ones are made up for, as far as PostgreSQL keeps up. */
async function change({ pool }: EmbeddedRegistry, isOver: () => boolean): Promise<number> {
  const startedAt = performance.now();
  let made = 0;
  const writer = async () => {
    while (!isOver()) {
      const due = ((performance.now() - startedAt) / 1_000) * changesPerSecond;
      if (made >= due) {
        await delay(5);
        continue;
      }
      const at = made++;
      await pool.query('UPDATE tenants SET name = $1 WHERE slug = $2', [
        `name ${startedAt} ${at}`,
        slugOf(at),
      ]);
    }
  };
  await Promise.all([writer(), writer(), writer()]);
  return made;
}

const slugOf = (at: number) => `tenant-${String(1 + (at % tenants)).padStart(8, '0')}`;

async function resolve(url: string, key: string, isOver: () => boolean) {
  const taken: number[] = [];
  let failures = 0;
  const query = 'query ($id: ID!) { tenantSchema(id: $id, module: "finance") { schemaName revision } }';
  const resolver = async (first: number) => {
    for (let at = first; !isOver(); at += resolvers) {
      const startedAt = performance.now();
      // One in a hundred tenants is suspended: its refusal is an error.
      const id = slugOf(at % (tenants - 2));
      await askGraphql(url, query, { id }, key).catch(() => failures++);
      taken.push(performance.now() - startedAt);
      await delay(pauseMs);
    }
  };
  await Promise.all(Array.from({ length: resolvers }, (_, at) => resolver(at)));
  taken.sort((one, other) => one - other);
  const percentile = (part: number) => taken[Math.floor(taken.length * part)] ?? Number.NaN;
  return { p50: percentile(0.5), p99: percentile(0.99), resolves: taken.length, failures };
}

async function runPhase(parts: {
  registry: EmbeddedRegistry;
  gateway: Gateway;
  key: string;
  seconds: number;
}) {
  const { registry, gateway, key } = parts;
  const endsAt = performance.now() + parts.seconds * 1_000;
  const isOver = () => performance.now() >= endsAt;
  const before = cpuMs(gateway.pid);
  const [changes, resolved] = await Promise.all([
    change(registry, isOver),
    resolve(gateway.url, key, isOver),
  ]);
  return { changes, ...resolved, cpuMs: cpuMs(gateway.pid) - before } satisfies Phase;
}

async function headOf({ pool }: EmbeddedRegistry): Promise<{ token: string; revision: number }> {
  const { rows } = await pool.query(
    `SELECT registry_epoch() || ':' || revision AS token, revision FROM registry_head`,
  );
  return { token: rows[0].token, revision: Number(rows[0].revision) };
}

async function measure(undo: Undo): Promise<boolean> {
  const registry = await openEmbeddedRegistry(undo);
  await insertTenants(registry.pool, 1, tenants);
  const key = await createKey(registry, 'registry:read,resolve:*,documents:any');
  const gateway = await startGateway(undo, {
    ...(await registry.gatewayEnv()),
    AUTH_MODE: 'required',
    STREAMS_PER_CALLER: String(subscribers),
    STREAMS_PER_GATEWAY: String(subscribers),
  });
  const parts = { registry, gateway, key, seconds };
  await runPhase({ ...parts, seconds: warmUpSeconds });
  const alone = await runPhase(parts);

  const child = fork(new URL('./streams/subscribers.ts', import.meta.url));
  undo.add(() => child.kill());
  const since = await headOf(registry);
  const { open } = await askChild<Heard>(child, {
    ...{ url: gateway.url, key, subscribers, since: since.token },
  } satisfies SubscribersOptions);
  await runPhase({ ...parts, seconds: warmUpSeconds });
  await caughtUp(child, registry);
  const before = await askChild<Heard>(child, 'tell');
  const idleCpuMs = cpuMs(gateway.pid);
  const beside = await runPhase(parts);
  const lateMs = await caughtUp(child, registry);
  const streamsCpuMs = cpuMs(gateway.pid) - idleCpuMs;
  const after = await askChild<Heard>(child, 'tell');
  const { revision } = await headOf(registry);
  return report({
    alone,
    beside,
    before,
    after,
    open,
    lateMs,
    streamsCpuMs,
    isComplete: after.reached === revision,
  });
}

/** Waits until each subscriber has heard the last change; returns how long that took. */
async function caughtUp(child: ChildProcess, registry: EmbeddedRegistry): Promise<number> {
  const startedAt = performance.now();
  const { revision } = await headOf(registry);
  while (performance.now() - startedAt < catchUpMs) {
    if ((await askChild<Heard>(child, 'tell')).reached >= revision) break;
    await delay(20);
  }
  return performance.now() - startedAt;
}

function report(found: {
  alone: Phase;
  beside: Phase;
  before: Heard;
  after: Heard;
  open: number;
  lateMs: number;
  streamsCpuMs: number;
  isComplete: boolean;
}): boolean {
  const { alone, beside, before, after, open, lateMs, streamsCpuMs, isComplete } = found;
  const events = after.events - before.events;
  const phase = ({ changes, resolves, p50, p99, failures, cpuMs }: Phase) =>
    `${(changes / seconds).toFixed(0)} changes/s, ${(resolves / seconds).toFixed(0)} resolves/s, p50 ${p50.toFixed(1)} ms, ` +
    `p99 ${p99.toFixed(1)} ms, ${failures} failed, gateway ${cpuMs} ms CPU`;
  // What the gateway did besides, by what it did in the phase without subscribers.
  const eventCpuMs = streamsCpuMs - (alone.cpuMs * beside.resolves) / alone.resolves;
  say(`without subscribers: ${phase(alone)}`);
  say(`with ${open} of ${subscribers}: ${phase(beside)}`);
  say(`p99 ratio: ${(beside.p99 / alone.p99).toFixed(2)}`);
  say(`events delivered: ${events}, the last one ${lateMs.toFixed(0)} ms after the end of the changes`);
  say(`gateway CPU per event: ${((1_000 * eventCpuMs) / events).toFixed(2)} µs`);
  say(`order errors: ${after.orderErrors}, resyncs: ${after.resyncs}, subscribers at the end: ${after.open}`);
  const isGood = isComplete && after.orderErrors === 0 && after.open === subscribers;
  return isGood && alone.failures + beside.failures === 0;
}

const undo = openUndo();
try {
  process.exitCode = (await measure(undo)) ? 0 : 1;
} finally {
  await undo.run();
}
