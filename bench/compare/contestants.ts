/** The servers that are compared, each a process of its own on the same registry. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createKey, type EmbeddedRegistry } from '../registry/embedded-registry.js';
import { startGateway, stopProcess } from '../registry/gateway.js';
import type { Undo } from '../registry/undo.js';

export interface Contestant {
  name: string;
  title: string;
  url: string;
  pid: number;
  key: string | undefined;
}

interface Started {
  url: string;
  pid: number;
  key?: string;
}

interface Entry {
  title: string;
  start(registry: EmbeddedRegistry, undo: Undo): Promise<Started>;
}

const peersFolder = join(import.meta.dirname, '../peers');
const modulesFolder = join(import.meta.dirname, '../node_modules');

/** In the order of the table. */
const entries = {
  bare: { title: 'bare node:http', start: peer('bare.js') },
  mercurius: { title: 'Mercurius 16, JIT, on Fastify', start: peer('mercurius.js') },
  'gateway-open': { title: 'this gateway, open mode', start: startOpen },
  'gateway-key': { title: 'this gateway, API key', start: startKeyed },
  'gateway-traced': { title: 'this gateway, API key, 1 % traced', start: startTraced },
  'sql-prepared': { title: 'one prepared SQL query, no GraphQL', start: peer('sql.js', 'prepared') },
  apollo: { title: 'Apollo Server 5', start: peer('apollo.js') },
  'sql-unprepared': { title: 'one unprepared SQL query, no GraphQL', start: peer('sql.js', 'unprepared') },
  yoga: { title: 'stock Yoga 5', start: peer('yoga.js') },
} satisfies Record<string, Entry>;

export type ContestantName = keyof typeof entries;

/** Reads `--only`; throws on a name that is not in the table. */
export function readNames(only: string | undefined): ContestantName[] {
  const all = Object.keys(entries) as ContestantName[];
  if (only === undefined) return all;
  const wanted = only.split(',').map((name) => name.trim());
  const unknown = wanted.filter((name) => !(name in entries));
  if (unknown.length > 0)
    throw new Error(`--only: there is no ${unknown.join(', ')}; choose from ${all.join(', ')}`);
  return all.filter((name) => wanted.includes(name));
}

/** One after the other, each when the one before it listens. */
export async function startContestants(
  names: ContestantName[],
  registry: EmbeddedRegistry,
  undo: Undo,
): Promise<Contestant[]> {
  if (!existsSync(modulesFolder))
    throw new Error('The peers are not installed: run "npm --prefix bench ci" first');
  const contestants: Contestant[] = [];
  for (const name of names) contestants.push(await startContestant(name, registry, undo));
  return contestants;
}

export async function startContestant(
  name: ContestantName,
  registry: EmbeddedRegistry,
  undo: Undo,
): Promise<Contestant> {
  const entry: Entry = entries[name];
  const { url, pid, key } = await entry.start(registry, undo);
  return { name, title: entry.title, url, pid, key };
}

/** 32 clients with 500 keys each may count as overload on a slow machine, and a refusal would end the run. */
const noShedding = { SHED_DELAY_MS: '0' };

/** Open mode is for the embedded database alone, so this gateway owns the one that all others are guests of. */
async function startOpen({ dataDir }: EmbeddedRegistry, undo: Undo): Promise<Started> {
  return startGateway(undo, { DATA_DIR: dataDir, AUTH_MODE: 'open', ...noShedding });
}

/** One request in a hundred begins a trace, and a collector takes the spans. */
async function startTraced(registry: EmbeddedRegistry, undo: Undo): Promise<Started> {
  let received = 0;
  const collector = createServer((request, response) => {
    request.on('data', (chunk: Buffer) => {
      received += chunk.length;
    });
    request.on('end', () => response.end('{}'));
  });
  await once(collector.listen(0, '127.0.0.1'), 'listening');
  undo.add(async () => {
    collector.close();
    if (received > 0) return;
    process.stderr.write('The traced gateway has sent no span: its figure is none\n');
    process.exitCode = 1;
  });
  return startKeyed(registry, undo, {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0.01',
  });
}

async function startKeyed(
  registry: EmbeddedRegistry,
  undo: Undo,
  more: Record<string, string> = {},
): Promise<Started> {
  const key = await createKey(registry, 'resolve:*');
  const env = { ...(await registry.gatewayEnv()), AUTH_MODE: 'required', ...noShedding, ...more };
  const gateway = await startGateway(undo, env);
  return { ...gateway, key };
}

function peer(file: string, ...args: string[]): Entry['start'] {
  return async (registry, undo) => {
    const child = spawn(process.execPath, [join(peersFolder, file), ...args], {
      env: {
        PATH: process.env.PATH,
        // Some of them do more work, such as longer stack traces, when this is not set.
        NODE_ENV: 'production',
        DATABASE_URL: await registry.url('registry'),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    undo.add(() => stopProcess(child));
    for await (const line of createInterface({ input: child.stdout })) {
      const url = /^listening (.+)$/.exec(line)?.[1];
      if (url) return { url, pid: child.pid ?? 0 };
    }
    throw new Error(`bench/peers/${file} ended before it listened`);
  };
}
