import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRegistryDatabase, type TestDatabase } from '../setup/database.js';
import { type GatewayProcess, insertKey, startGateway } from '../setup/gateway-process.js';

/** Connections that a client opens and does not use, or uses as slowly as it can. */
const idle = 2_500;
const slow = 2_500;
const senders = 200;
/** Growth of the gateway's memory that 5,000 connections and 200 bodies of 5 MB may cause. */
const maxGrowthMb = 400;

let registry: TestDatabase;
let gateway: GatewayProcess;
let key: string;
beforeAll(async () => {
  registry = await createRegistryDatabase();
  key = await insertKey(registry.url, 'registry:read');
  // Headers must be whole 5 s after the time for which an idle connection stays open.
  const env = { KEEP_ALIVE_TIMEOUT_MS: '5000' };
  gateway = await startGateway({ databaseUrl: registry.url, serviceUrl: () => registry.url, key, env });
}, 120_000);
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await registry?.drop();
});

const memoryMb = () =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))?.[1]) / 1_000;

async function open(first: string): Promise<Socket> {
  const { hostname, port } = new URL(gateway.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  socket.resume();
  await once(socket, 'connect');
  if (first) socket.write(first);
  return socket;
}

async function openMany(count: number, first: string): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count)
    sockets.push(...(await Promise.all(Array.from({ length: 100 }, () => open(first)))));
  return sockets;
}

test('5,000 idle and slow connections and bodies of 5 MB leave the gateway up and its memory bounded', async () => {
  const before = memoryMb();
  const head = 'POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
  const idlers = await openMany(idle, '');
  const slowOnes = await openMany(slow, `${head}X-Slow: `);
  const bodies = await Promise.all(
    Array.from({ length: senders }, async (_none, at) => {
      const secret = at % 2 === 0 ? key : 'trk_wrong';
      const socket = await open(`${head}Authorization: Bearer ${secret}\r\nContent-Length: 5000000\r\n\r\n`);
      socket.write('x'.repeat(5_000_000));
      return socket;
    }),
  );
  expect((await gateway.ask('{ __typename }')).data).toEqual({ __typename: 'Query' });
  expect((await fetch(`${gateway.url}/health`)).status).toBe(200);
  expect(memoryMb() - before).toBeLessThan(maxGrowthMb);
  // Connections without a request are closed by then too.
  await expect
    .poll(() => [...slowOnes, ...bodies].filter(({ closed }) => !closed).length, { timeout: 60_000 })
    .toBe(0);
  expect((await gateway.ask('{ __typename }')).data).toEqual({ __typename: 'Query' });
  for (const socket of idlers) socket.destroy();
  expect(gateway.complaints).toEqual([]);
});
