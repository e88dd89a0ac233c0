import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';

let gateway: TestGateway;
let adminKey: string;
let finance: StoryTenant;
let inventory: StoryTenant;
beforeAll(async () => {
  gateway = await openGateway({ authMode: 'required' });
  adminKey = await gateway.createKey('registry:read', 'registry:write', 'provision', 'resolve:*');
  const admin: Pick<TestGateway, 'ask'> = {
    ask: (query, variables) => gateway.ask(query, variables, { key: adminKey }),
  };
  finance = await aTenant().subscribedTo('finance').at(admin);
  inventory = await aTenant().subscribedTo('inventory').at(admin);
});
afterAll(() => gateway?.close());

interface RawStream extends AsyncDisposable {
  status: number;
  headers: IncomingMessage['headers'];
  /** Every byte of the body so far. */
  text(): string;
  pause(): void;
  resume(): void;
}

interface RawRequest {
  query: string;
  variables?: Record<string, unknown>;
  operationName?: string;
}

async function openRaw(key: string, body: RawRequest): Promise<RawStream> {
  const asked = request(`${gateway.url}/graphql`, {
    method: 'POST',
    agent: false,
    headers: {
      accept: 'text/event-stream',
      'content-type': 'application/json',
      authorization: `Bearer ${key}`,
    },
  });
  asked.on('error', () => undefined);
  asked.end(JSON.stringify(body));
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  let text = '';
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    text += chunk;
  });
  response.on('error', () => undefined);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text: () => text,
    pause: () => void response.pause(),
    resume: () => void response.resume(),
    [Symbol.asyncDispose]: async () => void asked.destroy(),
  };
}

interface LogEntry {
  revision: string;
  position: number;
  kind: string;
  tenantId: string | null;
  tenantSlug: string | null;
  module: string | null;
}

type EventFields = Record<keyof LogEntry, unknown> & { type: string };

const headToken = async () => {
  const [head] = await gateway.psql<{ token: string }>(
    `SELECT registry_epoch() || ':' || revision AS token FROM registry_head`,
  );
  return head?.token ?? '';
};

const logAfter = (token: string) =>
  gateway.psql<LogEntry>(
    `SELECT $1 || ':' || revision AS revision, position, upper(replace(kind, '.', '_')) AS kind, tenant_id AS "tenantId", tenant_slug AS "tenantSlug", module
     FROM registry_change WHERE revision > $2 AND kind !~ '^(api_key|member|invitation|operation|plan)' ORDER BY registry_change.revision, position`,
    token.split(':'),
  );

type Sees = (entry: LogEntry) => 'whole' | 'refusals' | 'nothing';

/** What a key for one module sees, in the words of the documentation and not by the code of the gateway. */
const seesModule =
  (wanted: string, tenant: () => StoryTenant): Sees =>
  ({ kind, tenantId, module }) => {
    if (module === wanted) return 'whole';
    if (module !== null) return tenantId === null ? 'refusals' : 'nothing';
    if (tenantId === tenant().id) return 'whole';
    return /^(SETTINGS|BRANDING)_/.test(kind) ? 'nothing' : 'refusals';
  };

/** The events of a view. Refusals that follow each other may come as the last of them, so here they do. */
function eventsFor(sees: Sees, log: LogEntry[]): EventFields[] {
  const events: EventFields[] = [];
  for (const entry of log) {
    const seen = sees(entry);
    if (seen === 'nothing') continue;
    if (seen === 'refusals' && events.at(-1)?.type === 'REFUSALS') events.pop();
    const { revision, position } = entry;
    const unnamed = { kind: null, tenantId: null, tenantSlug: null, module: null };
    events.push(
      seen === 'whole' ? { type: 'CHANGE', ...entry } : { type: 'REFUSALS', revision, position, ...unnamed },
    );
  }
  return events;
}

interface Form extends RawRequest {
  answer(event: EventFields): object;
}

const all = '{ type revision position kind tenantId tenantSlug module }';
const inOrder = ({ type, revision, position, kind, tenantId, tenantSlug, module }: EventFields) => ({
  type,
  revision,
  position,
  kind,
  tenantId,
  tenantSlug,
  module,
});

/** Documents that share their frames, and the last two, which Yoga executes. */
const forms: Form[] = [
  {
    query: `subscription { routesChanged ${all} }`,
    answer: (event) => ({ routesChanged: inOrder(event) }),
  },
  {
    query: 'subscription { changed: routesChanged { what: kind __typename } }',
    answer: ({ kind }) => ({ changed: { what: kind, __typename: 'RouteChange' } }),
  },
  {
    query: 'subscription A { routesChanged { module } } subscription B { routesChanged { kind revision } }',
    operationName: 'B',
    answer: ({ kind, revision }) => ({ routesChanged: { kind, revision } }),
  },
  ...[true, false].map((isNamed) => ({
    query:
      'subscription ($w: Boolean!) { routesChanged { ...F } } fragment F on RouteChange { kind tenantSlug @include(if: $w) }',
    variables: { w: isNamed },
    answer: ({ kind, tenantSlug }: EventFields) => ({
      routesChanged: isNamed ? { kind, tenantSlug } : { kind },
    }),
  })),
  {
    query: `subscription { ...F } fragment F on Subscription { routesChanged ${all} }`,
    answer: (event) => ({ routesChanged: inOrder(event) }),
  },
  {
    query: 'subscription { routesChanged @skip(if: false) { kind position } }',
    answer: ({ kind, position }) => ({ routesChanged: { kind, position } }),
  },
];

const frameOf = (data: object) => `event: next\ndata: ${JSON.stringify({ data })}`;

/** The frames of a stream, without those of refusals that are followed by refusals. */
function framesOf(stream: RawStream): string[] {
  const frames = stream.text().split('\n\n').slice(0, -1);
  const events = frames.filter((frame) => frame !== ':');
  const isRefusal = (frame: string | undefined) => /"(kind|what)":null/.test(frame ?? '');
  return events.filter((frame, at) => !(isRefusal(frame) && isRefusal(events[at + 1])));
}

/** Changes of every kind that views tell apart, in bursts. */
async function change(rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const renames = [finance, inventory, finance, inventory].map(({ id }, at) =>
      gateway.psql('UPDATE tenants SET name = $1 WHERE id = $2', [`name ${round}/${at}`, id]),
    );
    await Promise.all(renames);
    await gateway.psql(`UPDATE modules SET description = $1 WHERE name = 'finance'`, [`round ${round}`]);
    await gateway.psql(`UPDATE tenants SET plan = CASE plan WHEN 'pro' THEN 'lite' ELSE 'pro' END::plan`);
    await gateway.psql(`UPDATE module_subscriptions SET status = 'migrating'`);
    await gateway.psql(`UPDATE module_subscriptions SET status = 'active'`);
  }
}

describe('subscribers with different keys and documents', () => {
  test('each get the events of their view in the form of their document, byte for byte, and slow readers later', async () => {
    const views: [key: string, sees: Sees][] = [
      [adminKey, () => 'whole'],
      [await gateway.createKey('resolve:finance'), seesModule('finance', () => finance)],
      [await gateway.createKey('resolve:inventory'), seesModule('inventory', () => inventory)],
      [await gateway.createKey('resolve:finance', 'resolve:dbtools'), seesModule('finance', () => finance)],
    ];
    const since = await headToken();
    const streams: { raw: RawStream; sees: Sees; form: Form; isSlow: boolean }[] = [];
    try {
      for (const [key, sees] of views)
        for (const form of forms)
          for (const isSlow of [false, false, true]) {
            const raw = await openRaw(key, form);
            expect(raw.status).toBe(200);
            if (isSlow) raw.pause();
            streams.push({ raw, sees, form, isSlow });
          }
      await change(15);
      // The last change is one that everybody sees.
      await gateway.psql(`UPDATE modules SET description = 'the end' WHERE name = 'operations'`);
      const log = await logAfter(since);
      expect(log.length).toBeGreaterThan(150);
      // Once for each stream, because every look at the streams takes time from the gateway, which runs in this process.
      const expected = new Map(
        streams.map(({ raw, sees, form }) => [
          raw,
          eventsFor(sees, log).map((event) => frameOf(form.answer(event))),
        ]),
      );
      const differing = (chosen: typeof streams) =>
        chosen.filter(({ raw }) => framesOf(raw).join('\n') !== expected.get(raw)?.join('\n')).length;
      const patience = { timeout: 20_000, interval: 500 };
      await expect.poll(() => differing(streams.filter(({ isSlow }) => !isSlow)), patience).toBe(0);
      for (const { raw } of streams) raw.resume();
      await expect.poll(() => differing(streams), patience).toBe(0);
    } finally {
      for (const { raw } of streams) await raw[Symbol.asyncDispose]();
    }
    await expect.poll(() => gateway.app.gateway?.limits.streams.open).toBe(0);
    expect(gateway.app.gateway?.freshness.changes.subscribers).toBe(0);
  });

  test('also those that begin at different places of the log', async () => {
    const places = [await headToken()];
    for (let round = 0; round < 8; round++) {
      await change(1);
      places.push(await headToken());
    }
    const query = `subscription ($since: Revision) { routesChanged(since: $since) ${all} }`;
    const streams = await Promise.all(
      places.slice(0, -1).map((since) => openRaw(adminKey, { query, variables: { since } })),
    );
    try {
      for (const [at, stream] of streams.entries()) {
        const expected = (await logAfter(places[at] as string)).map((entry) =>
          frameOf({ routesChanged: inOrder({ type: 'CHANGE', ...entry }) }),
        );
        await expect.poll(() => framesOf(stream)).toEqual(expected);
      }
    } finally {
      for (const stream of streams) await stream[Symbol.asyncDispose]();
    }
  });
});

test('a stream has the headers and the frames of Server-Sent Events, its end included', async () => {
  const key = await gateway.createKey('resolve:finance');
  await using stream = await openRaw(key, { query: 'subscription { routesChanged { kind } }' });
  expect(stream.headers).toMatchObject({
    'content-type': 'text/event-stream',
    connection: 'keep-alive',
    'cache-control': 'no-cache',
    'content-encoding': 'none',
  });
  await expect.poll(() => stream.text()).toBe(':\n\n');
  await gateway.psql(`UPDATE tenants SET name = 'framed' WHERE id = $1`, [finance.id]);
  const event = 'event: next\ndata: {"data":{"routesChanged":{"kind":"TENANT_UPDATED"}}}\n\n';
  await expect.poll(() => stream.text()).toBe(`:\n\n${event}`);
  await gateway.psql('UPDATE api_keys SET revoked_at = now() WHERE secret_hash = sha256($1)', [
    Buffer.from(key),
  ]);
  const message =
    'The stream ends with its API key or token: it is revoked, expired or unknown; subscribe again with a valid one';
  await expect.poll(() => stream.text()).toMatch(/event: complete\ndata:\n\n$/);
  const text = stream.text();
  const begin = `:\n\n${event}event: next\ndata: `;
  const end = '\n\nevent: complete\ndata:\n\n';
  expect([text.slice(0, begin.length), text.slice(-end.length)]).toEqual([begin, end]);
  expect(JSON.parse(text.slice(begin.length, -end.length))).toEqual({
    errors: [
      {
        message,
        extensions: { code: 'UNAUTHENTICATED', requestId: stream.headers['x-request-id'], retryable: false },
      },
    ],
  });
});
