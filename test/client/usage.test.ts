import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTenantRegistry, type TenantRegistry } from '../../src/client/index.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { aTenant } from '../setup/stories.js';
import { codeOf, countRequests } from './support/client-outcomes.js';

let gateway: TestGateway;
let registry: TenantRegistry;
const opened: { close(): Promise<void> | void }[] = [];
beforeAll(async () => {
  gateway = await openGateway({ authMode: 'required' });
  const everything = await gateway.createKey('registry:read', 'registry:write');
  const asked = gateway.ask;
  gateway.ask = (query, variables, options) => asked(query, variables, { key: everything, ...options });
  registry = await connect(gateway.url);
});
afterAll(async () => {
  for (const one of opened) await one.close();
  await gateway?.close();
});

async function connect(url: string | string[], ...scopes: string[]): Promise<TenantRegistry> {
  const apiKey = await gateway.createKey(
    'resolve:finance',
    ...(scopes.length > 0 ? scopes : ['usage:record']),
  );
  const client = createTenantRegistry({ url, apiKey, module: 'finance' });
  client.on('error', () => undefined);
  opened.push(client);
  return client;
}

test('counts, answers the usage with dates, and refuses with QUOTA_EXCEEDED', async () => {
  const { id, slug } = await aTenant().at(gateway);
  expect(await registry.recordUsage(slug, 'MONTHLY_QUOTES', 99)).toEqual({
    ...{ metric: 'MONTHLY_QUOTES', used: 99, limit: 100, remaining: 1, isRepeated: false },
    ...{ periodStart: expect.any(Date), periodEnd: expect.any(Date) },
  });
  const refused = await registry.recordUsage(id, 'MONTHLY_QUOTES', 2).catch((error) => error);
  expect(refused).toMatchObject({
    name: 'TenantRegistryError',
    code: 'QUOTA_EXCEEDED',
    status: 403,
    retryAfter: undefined,
  });
});

test('a key counts once', async () => {
  const { id } = await aTenant().at(gateway);
  for (const isRepeated of [false, true])
    expect(await registry.recordUsage(id, 'STORAGE_GB', 0.5, { idempotencyKey: 'file-1' })).toMatchObject({
      used: 0.5,
      isRepeated,
      periodEnd: null,
    });
});

test('calls of the same moment share a request, each with its own answer, also when one of them has a wrong form', async () => {
  const { id } = await aTenant().at(gateway);
  const calls = () => [
    ...Array.from({ length: 101 }, () => registry.recordUsage(id, 'MONTHLY_QUOTES', 1)),
    registry.recordUsage('nobody-here', 'USERS', 1),
  ];
  let outcomes: unknown[] = [];
  const requests = await countRequests(gateway, '/graphql', async () => {
    outcomes = await Promise.all(calls().map((call) => call.then(({ used }) => used, codeOf)));
  });
  expect(requests).toBe(1);
  expect(outcomes).toEqual([
    ...Array.from({ length: 100 }, (_, at) => at + 1),
    'QUOTA_EXCEEDED',
    'TENANT_NOT_FOUND',
  ]);
  const mixed = [
    registry.recordUsage(id, 'STORAGE_GB', 1),
    registry.recordUsage(id, 'STORAGE_GB', 1, { idempotencyKey: 'x'.repeat(300) }),
    registry.recordUsage(id, 'STORAGE_GB', Number.NaN),
  ];
  expect(await Promise.all(mixed.map((call) => call.then(({ used }) => used, codeOf)))).toEqual([
    1,
    'VALIDATION_ERROR',
    'VALIDATION_ERROR',
  ]);
});

test.each([
  ['of a wrong form', { idempotencyKey: 'x'.repeat(300) }, 'VALIDATION_ERROR'],
  ['too large for a request', { idempotencyKey: 'x'.repeat(1_100_000) }, 'QUERY_TOO_COMPLEX'],
])('500 calls of the same moment are counted but for the one that is %s', async (_what, options, code) => {
  const { id } = await aTenant().at(gateway);
  const bad = 321;
  let outcomes: unknown[] = [];
  const requests = await countRequests(gateway, '/graphql', async () => {
    const calls = Array.from({ length: 500 }, (_, at) =>
      registry.recordUsage(id, 'STORAGE_GB', 0.001, at === bad ? options : {}),
    );
    outcomes = await Promise.all(calls.map((call) => call.then(({ used }) => used, codeOf)));
  });
  const counted = Array.from({ length: 499 }, (_, at) => (at + 1) / 1_000);
  expect(outcomes).toEqual([...counted.slice(0, bad), code, ...counted.slice(bad)]);
  // One request for all, and at most two for each of nine halvings.
  expect(requests).toBeLessThanOrEqual(19);
});

test('an answer that is lost is asked for again, and the record counted once', async () => {
  const { id } = await aTenant().at(gateway);
  // Relays to the gateway, and loses the first answer to a record.
  let records = 0;
  const relay = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    if (!body.includes('recordUsages')) return void response.writeHead(503).end('{}');
    const headers = {
      authorization: request.headers.authorization ?? '',
      'content-type': 'application/json',
    };
    const answer = await fetch(`${gateway.url}/graphql`, { method: 'POST', headers, body });
    const text = await answer.text();
    if (records++ === 0) return void request.socket.destroy();
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(text);
  });
  await new Promise<void>((listening) => relay.listen(0, '127.0.0.1', listening));
  opened.push({
    close() {
      relay.closeAllConnections();
      relay.close();
    },
  });
  const client = await connect(`http://127.0.0.1:${(relay.address() as AddressInfo).port}`);
  expect(await client.recordUsage(id, 'MONTHLY_QUOTES', 1)).toMatchObject({ used: 1, isRepeated: true });
  expect(records).toBe(2);
});

test.each([
  ['registry:read', 1],
  // The budget of such a key is small.
  ['resolve:operations', 1],
  ['resolve:operations', 500],
])('a key with %s and without the scope is told what to do, %i times', async (scope, count) => {
  const client = await connect(gateway.url, scope);
  const { id } = await aTenant().at(gateway);
  const calls = Array.from({ length: count }, () =>
    client.recordUsage(id, 'USERS', 1).catch((refused) => refused),
  );
  for (const error of await Promise.all(calls))
    expect(error).toMatchObject({
      code: 'FORBIDDEN',
      message: expect.stringContaining('--scopes resolve:finance,usage:record'),
    });
});
