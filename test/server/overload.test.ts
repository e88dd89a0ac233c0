import { request } from 'node:http';
import { getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openLog } from '../../src/log.js';
import { LoadShedding } from '../../src/server/overload/load-shedding.js';
import type { Exchange } from '../../src/server/requests/exchange.js';
import { openRequestLog } from '../../src/server/requests/request-log.js';
import { openServer, type Server } from '../../src/server/server.js';
import { openEvents } from '../feed/support/event-stream.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';

/** An event loop whose rounds take as long as the test says. */
class FakeLoop {
  now = 1_000;
  idleMs = 500;
  lines: unknown[] = [];
  gauge: boolean[] = [];
  readonly shedding: LoadShedding;

  constructor(delayMs = 250) {
    this.shedding = new LoadShedding({
      delayMs,
      clock: () => this.now,
      idleMs: () => this.idleMs,
      log: { warn: (fields: object) => void this.lines.push(fields) },
      metrics: { sheddingChanged: (isActive) => void this.gauge.push(isActive) },
    });
  }

  /** Rounds of the event loop, each with a measurement at its end. */
  rounds(count: number, ms: number, idleMs = 0): void {
    for (let round = 0; round < count; round++) {
      this.now += ms;
      this.idleMs += idleMs;
      this.shedding.tick();
    }
  }

  overload(): void {
    this.rounds(3, 260);
    expect(this.shedding.isActive).toBe(true);
  }
}

const count = (times: number, admits: () => boolean) =>
  Array.from({ length: times }, admits).filter(Boolean).length;

describe('the delay of the event loop', () => {
  test('counts as overload when it lasts', () => {
    const loop = new FakeLoop();
    loop.rounds(2, 260);
    expect(loop.shedding.isActive).toBe(false);
    loop.rounds(1, 300);
    expect(loop.shedding.isActive).toBe(true);
    expect(loop.lines).toEqual([{ delayMs: 290 }]);
    expect(loop.gauge).toEqual([true]);
  });

  test.each<[string, (loop: FakeLoop) => void]>([
    ['one that is shorter than the setting', (loop) => loop.rounds(100, 259)],
    [
      'one long pause, and another later',
      (loop) => {
        for (let pause = 0; pause < 20; pause++) {
          loop.rounds(2, 3_000);
          loop.rounds(1, 11, 5);
        }
      },
    ],
    ['one of a process that has nothing to do and gets no CPU', (loop) => loop.rounds(100, 400, 100)],
  ])('does not count: %s', (_name, pass) => {
    const loop = new FakeLoop();
    pass(loop);
    expect(loop.shedding.isActive).toBe(false);
    expect(loop.lines).toEqual([]);
  });

  test('is not looked at without the setting', () => {
    const loop = new FakeLoop(Number.POSITIVE_INFINITY);
    loop.rounds(100, 60_000);
    expect(loop.shedding.isActive).toBe(false);
  });
});

describe('an overloaded event loop', () => {
  let loop: FakeLoop;
  beforeEach(() => {
    loop = new FakeLoop();
    loop.overload();
  });

  test('serves routes while a round is younger than a tenth of the setting, and nothing afterwards', () => {
    expect(count(10, () => loop.shedding.admitsRoute())).toBe(10);
    loop.now += 25;
    expect(loop.shedding.admitsRoute()).toBe(true);
    loop.now += 1;
    expect(count(10, () => loop.shedding.admitsRoute())).toBe(0);
    loop.rounds(1, 10);
    expect(loop.shedding.admitsRoute()).toBe(true);
    loop.rounds(50, 10);
    loop.now += 26;
    expect(count(10, () => loop.shedding.admitsOther())).toBe(0);
  });

  test('serves routes in a shorter part of the round when nothing else is served and rounds are late all the same', () => {
    const isServedAfter = (ms: number) => {
      loop.now += ms;
      const isServed = loop.shedding.admitsRoute();
      loop.now -= ms;
      return isServed;
    };
    loop.rounds(1, 35);
    expect([isServedAfter(20), isServedAfter(21)]).toEqual([true, false]);
    loop.rounds(100, 35);
    expect([isServedAfter(10), isServedAfter(11)]).toEqual([true, false]);
    loop.rounds(29, 10);
    expect([isServedAfter(24), loop.shedding.admitsOther()]).toEqual([true, false]);
    loop.rounds(51, 10);
    expect([isServedAfter(25), loop.shedding.admitsOther()]).toEqual([true, true]);
  });

  test('serves of everything else a share that grows while it is in time and falls faster while it is late', () => {
    const served = () => count(100, () => loop.shedding.admitsOther());
    expect(served()).toBe(0);
    loop.rounds(25, 30);
    expect(served()).toBe(50);
    loop.rounds(1, 35);
    expect(served()).toBe(40);
    loop.rounds(1, 36);
    expect(served()).toBe(32);
    loop.rounds(100, 10);
    expect(served()).toBe(100);
  });

  test('is one no longer when for two seconds nothing was refused', () => {
    loop.shedding.admitsOther();
    loop.rounds(50, 10);
    loop.rounds(190, 10);
    loop.now += 30;
    loop.shedding.admitsRoute();
    loop.rounds(1, 1);
    loop.rounds(199, 10);
    expect(loop.shedding.isActive).toBe(true);
    loop.rounds(1, 10);
    expect(loop.shedding.isActive).toBe(false);
    expect(loop.lines).toEqual([{ delayMs: 250 }, { refused: 2 }]);
    expect(loop.gauge).toEqual([true, false]);
    loop.rounds(2, 260);
    expect(loop.shedding.isActive).toBe(false);
  });

  test('stays one while rounds are late, though nothing is refused', () => {
    loop.rounds(100, 100);
    expect(loop.shedding.isActive).toBe(true);
  });
});

/** Milliseconds of the event loop, about as measured on two cores. */
const costs = { route: 0.06, batch: 1, rows: 4, refusal: 0.03 };
type Kind = Exclude<keyof typeof costs, 'refusal'>;

/** Requests at a constant rate, of whose times those after the first seconds count. */
function serve(kinds: readonly Kind[], rate: number, { seconds = 16, from = 6 } = {}) {
  const loop = new FakeLoop();
  const { shedding } = loop;
  const startedAt = loop.now;
  const dueAt = (at: number) => startedAt + (at * 1_000) / rate;
  const answered: number[] = [];
  const refused: number[] = [];
  let [next, tickedAt] = [0, loop.now];
  while (loop.now < startedAt + seconds * 1_000) {
    if (loop.now - tickedAt >= 10) {
      shedding.tick();
      tickedAt = loop.now;
    }
    let end = next;
    while (dueAt(end) <= loop.now) end++;
    if (end === next) {
      const waitMs = Math.max(0.001, Math.min(dueAt(next), tickedAt + 10) - loop.now);
      loop.now += waitMs;
      loop.idleMs += waitMs;
    }
    // What arrives meanwhile is seen in the next round.
    for (; next < end; next++) {
      const kind = kinds[next % kinds.length] as Kind;
      const isAdmitted =
        !shedding.isActive || (shedding.admitsRoute() && (kind !== 'rows' || shedding.admitsOther()));
      loop.now += costs[isAdmitted ? kind : 'refusal'];
      if (next >= from * rate) (isAdmitted ? answered : refused).push(loop.now - dueAt(next));
    }
  }
  const p99 = (of: number[]) => of.sort((one, other) => one - other)[Math.floor(of.length * 0.99)] ?? 0;
  const perSecond = answered.length / (seconds - from);
  return {
    answered: perSecond,
    answeredP99: p99(answered),
    refused: refused.length,
    refusedP99: p99(refused),
  };
}

describe('in virtual time', () => {
  const mixed: Kind[] = [
    'route',
    'route',
    'batch',
    'route',
    'rows',
    'route',
    'route',
    'batch',
    'route',
    'route',
  ];
  const capacityOf = (kinds: readonly Kind[]) =>
    (1_000 * kinds.length) / kinds.reduce((sum, kind) => sum + costs[kind], 0);

  test('a load that fits is served whole', () => {
    for (const kinds of [mixed, ['route'] as Kind[]]) {
      const rate = 0.9 * capacityOf(kinds);
      const { answered, refused, answeredP99 } = serve(kinds, rate, { seconds: 5, from: 1 });
      expect(refused).toBe(0);
      expect(answered / rate).toBeCloseTo(1, 2);
      expect(answeredP99).toBeLessThan(10);
    }
  });

  // Refusing a request for a route costs half of answering it, so three times as many could not even be refused.
  test.each([
    ['three times the load that fits, of all kinds', mixed, 3, 1],
    ['twice the load that fits, of routes alone', ['route'] as Kind[], 2, 0.4],
  ])('%s: answers and refusals take less than 50 ms', (_name, kinds, times, least) => {
    const fitting = 0.8 * capacityOf(kinds);
    const { answered, answeredP99, refused, refusedP99 } = serve(kinds, times * fitting);
    expect(refused).toBeGreaterThan(0);
    expect(answeredP99).toBeLessThan(50);
    expect(refusedP99).toBeLessThan(50);
    expect(answered / fitting).toBeGreaterThan(least);
  });
});

describe('an overloaded gateway', () => {
  let gateway: TestGateway;
  let server: Server;
  let loop: FakeLoop;
  let acme: StoryTenant;
  const known = 'query ($id: ID!) { tenantSchema(id: $id, module: "finance") { schemaName } }';
  const batch = 'query ($keys: [TenantSchemaKey!]!) { tenantSchemas(keys: $keys) { __typename } }';
  const rows = '{ tenants(first: 1) { totalCount } }';
  const json = { 'content-type': 'application/json' };

  const post = (body: object, headers: Record<string, string> = {}, path = '/graphql') =>
    fetch(`${server.url}${path}`, {
      method: 'POST',
      headers: { ...json, ...headers },
      body: JSON.stringify(body),
    });
  const get = (path: string) => fetch(`${server.url}${path}`);
  const ask = (query: string, variables = {}) => post({ query, variables });
  const metric = async (name: string) => {
    const text = await (await get('/metrics')).text();
    return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1]);
  };

  beforeAll(async () => {
    gateway = await openGateway();
    acme = await aTenant().subscribedTo('finance').at(gateway);
    loop = new FakeLoop();
    server = await openServer(gateway.app, { shedding: loop.shedding });
    const keys = [{ id: acme.id, module: 'finance' }];
    for (const [query, variables] of [
      [known, { id: acme.id }],
      [batch, { keys }],
      [rows, {}],
    ] as const)
      expect(await (await ask(query, variables)).json()).not.toHaveProperty('errors');
    loop.overload();
  });
  afterAll(async () => {
    await server?.close();
    await gateway?.close();
  });

  test.each<[string, () => Promise<Response>]>([
    ['a query that reads rows', () => ask(rows)],
    ['a document that is new', () => ask(`${known} # new`, { id: acme.id })],
    ['a known document in a long request', () => ask(known, { id: acme.id, more: 'x'.repeat(20_000) })],
    ['introspection', () => ask(getIntrospectionQuery())],
    ['a mutation', () => ask('mutation { updateTenant(input: {}) { revision } }')],
    [
      'a subscription',
      () => post({ query: 'subscription { routesChanged { type } }' }, { accept: 'text/event-stream' }),
    ],
    ['a request that is no GraphQL', () => post([])],
    ['a query by GET', () => get(`/graphql?query=${encodeURIComponent(rows)}`)],
    [
      'a body of unknown length',
      () =>
        fetch(`${server.url}/graphql`, {
          method: 'POST',
          headers: json,
          body: new Blob([JSON.stringify({ query: known })]).stream(),
          duplex: 'half',
        } as RequestInit),
    ],
  ])('refuses %s', async (_name, send) => {
    const before = await metric('tenant_registry_shed_requests_total');
    const response = await send();
    expect(await response.json()).toEqual({
      errors: [
        {
          message: expect.stringContaining('ask another one'),
          extensions: {
            code: 'REGISTRY_UNAVAILABLE',
            http: { status: 503 },
            requestId: response.headers.get('x-request-id'),
            retryable: true,
            retryAfterMs: 1_000,
          },
        },
      ],
    });
    expect(response.status).toBe(503);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'retry-after': '1',
      'x-request-id': expect.stringMatching(/./),
    });
    expect(await metric('tenant_registry_shed_requests_total')).toBe(before + 1);
  });

  test.each([
    ['GET', () => '/api/tenants'],
    ['POST', () => '/api/tenants'],
    ['DELETE', () => `/api/v1/admin/tenants/${acme.slug}`],
  ])('refuses %s of REST in its form, and does nothing of it', async (method, at) => {
    const path = at();
    const head = () => gateway.psql('SELECT revision FROM registry_head');
    const before = await head();
    const body = method === 'POST' ? JSON.stringify({ name: 'Pier', slug: 'pier' }) : null;
    const response = await fetch(`${server.url}${path}`, { method, headers: json, body });
    expect(await response.json()).toEqual({
      error: { code: 'REGISTRY_UNAVAILABLE', message: expect.stringContaining('ask another one') },
    });
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await head()).toEqual(before);
  });

  test('refuses a long request before its body is sent, and lets the client read why', async () => {
    const sent = request(`${server.url}/api/tenants`, {
      method: 'POST',
      headers: { ...json, 'content-length': 900_000 },
    });
    sent.on('error', () => undefined);
    sent.flushHeaders();
    const status = await new Promise((resolve) =>
      sent.once('response', (response) => resolve(response.statusCode)),
    );
    sent.destroy();
    expect(status).toBe(503);
  });

  test.each<[string, () => Promise<Response>]>([
    ['a route by a known document', () => ask(known, { id: acme.id })],
    [
      'the same by GET',
      () => get(`/graphql?query=${encodeURIComponent(known)}&variables=${JSON.stringify({ id: acme.id })}`),
    ],
    ['many routes', () => ask(batch, { keys: [{ id: acme.slug, module: 'finance' }] })],
    ['a refusal that memory knows', () => ask(known, { id: 'nobody' })],
    ['the probes', () => get('/health')],
    ['readiness', () => get('/ready')],
    ['metrics', () => get('/metrics')],
    ['leases', () => post({ client: '0198aaaa-0000-7000-8000-000000000000' }, {}, '/lease')],
  ])('serves %s', async (_name, send) => {
    expect((await send()).status).toBe(200);
  });

  test('serves probes and leases also when it refuses routes', async () => {
    loop.now += 26;
    try {
      expect((await ask(known, { id: acme.id })).status).toBe(503);
      for (const path of ['/health', '/ready', '/metrics']) expect((await get(path)).status).toBe(200);
      const client = '0198aaaa-0000-7000-8000-000000000000';
      expect((await post({ client }, {}, '/lease')).status).toBe(200);
    } finally {
      loop.rounds(1, 10);
    }
  });

  test('serves the requests that have a share, once for each', async () => {
    loop.rounds(100, 10);
    try {
      const before = await metric('tenant_registry_shed_requests_total');
      for (const send of [
        () => ask(rows),
        () => ask(rows, { more: 'x'.repeat(20_000) }),
        () => get('/api/tenants'),
      ])
        expect((await send()).status).toBe(200);
      loop.rounds(1, 1_000);
      const statuses: number[] = [];
      for (let at = 0; at < 10; at++)
        statuses.push((await ask(rows, { more: 'x'.repeat(20_000 * (at % 2)) })).status);
      expect(statuses.filter((status) => status === 200)).toHaveLength(8);
      expect(await metric('tenant_registry_shed_requests_total')).toBe(before + 2);
    } finally {
      loop.rounds(30, 1_000);
    }
  });
});

test('a stream that is open goes on while its gateway is overloaded', async () => {
  await using gateway = await openGateway();
  const loop = new FakeLoop();
  const server = await openServer(gateway.app, { shedding: loop.shedding });
  try {
    await using stream = await openEvents(server.url);
    expect(stream.status).toBe(200);
    loop.overload();
    const acme = await aTenant().at(gateway);
    expect(await stream.take(1)).toMatchObject([{ kind: 'TENANT_REGISTERED', tenantId: acme.id }]);
  } finally {
    await server.close();
  }
});

test.each([
  ['failed', 0],
  ['all', 1],
] as const)('with LOG_REQUESTS=%s each refused request has %i lines of the log', (wanted, lines) => {
  const written: unknown[] = [];
  const log = openLog('silent');
  log.info = (line: unknown) => void written.push(line);
  const refused = {
    ...{ path: '/api/tenants', isShed: true, outcome: { codes: [], mutations: [] }, requestId: 'x' },
    ...{ request: { method: 'POST' }, response: { statusCode: 503, getHeader: () => undefined } },
  };
  openRequestLog(log, wanted)(refused as unknown as Exchange, 1);
  expect(written).toHaveLength(lines);
});
