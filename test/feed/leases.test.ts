import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { LeaseAnswer } from '../../src/server/lease.js';
import type { TestGateway } from '../setup/gateway.js';
import { mutate, resolve } from '../setup/graphql-calls.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';
import { openTwoGateways, type TwoGateways } from './support/two-gateways.js';

/** Staleness bound of these gateways. */
const stalenessMs = 1_200;

let gateways: TwoGateways;
let gateway: TestGateway;
let acme: StoryTenant;
beforeAll(async () => {
  gateways = await openTwoGateways({ stalenessMs });
  gateway = gateways.one;
  acme = await aTenant().subscribedTo('finance').at(gateway);
});
afterAll(() => gateways?.close());

interface HttpLease {
  status: number;
  lease: LeaseAnswer;
  codes: string[];
}

async function post(body: string, options: { key?: string; at?: TestGateway } = {}): Promise<HttpLease> {
  const response = await fetch(`${(options.at ?? gateway).url}/lease`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(options.key && { authorization: `Bearer ${options.key}` }),
    },
    body,
  });
  const answer = (await response.json()) as LeaseAnswer & { errors?: { extensions: { code: string } }[] };
  const codes = answer.errors?.map(({ extensions }) => extensions.code) ?? [];
  return { status: response.status, lease: answer, codes };
}

const renew = async (client: string, has?: string | null, at?: TestGateway) =>
  (await post(JSON.stringify({ client, ...(has !== undefined && { has }) }), at && { at })).lease;

const rename = async (name: string) =>
  (await mutate(gateway, 'updateTenant', { tenantId: acme.id, name })).result.revision as string;

/** How long a mutation takes to answer, in milliseconds. */
async function timed(wait: string): Promise<number> {
  const startedAt = performance.now();
  const { codes } = await mutate(gateway, 'updateTenant', {
    tenantId: acme.id,
    name: `Acme ${startedAt}`,
    wait,
  });
  expect(codes).toEqual([]);
  return performance.now() - startedAt;
}

describe('a client’s lease', () => {
  test('begins with the current revision and the length of the lease', async () => {
    const revision = await rename('Acme 1');
    const lease = await renew(randomUUID());
    expect(lease).toEqual({ revision, changed: null, leaseRemainingMs: expect.any(Number) });
    expect(lease.leaseRemainingMs).toBeGreaterThan(0);
    expect(lease.leaseRemainingMs).toBeLessThanOrEqual(stalenessMs);
  });

  test('is renewed with the changed tenants, and with an empty list when nothing has changed', async () => {
    const client = randomUUID();
    const has = (await renew(client)).revision;
    expect((await renew(client, has)).changed).toEqual([]);
    await mutate(gateway, 'unsubscribeTenantFromModule', { tenantId: acme.id, module: 'finance' });
    await mutate(gateway, 'subscribeTenantToModule', { tenantId: acme.id, module: 'finance' });
    const renewed = await renew(client, has);
    expect(renewed.changed?.length).toBeGreaterThanOrEqual(2);
    expect(new Set(renewed.changed?.map((change) => JSON.stringify(change)))).toEqual(
      new Set([
        JSON.stringify({ tenantId: acme.id, tenantSlug: acme.slug, externalIds: [], module: 'finance' }),
      ]),
    );
    expect((await renew(client, renewed.revision)).changed).toEqual([]);
  });

  test('names a changed module instead of its tenants', async () => {
    const client = randomUUID();
    const has = (await renew(client)).revision;
    await mutate(gateway, 'updateModule', { name: 'inventory', description: `${Date.now()}` });
    expect((await renew(client, has)).changed).toEqual([
      { tenantId: null, tenantSlug: null, externalIds: [], module: 'inventory' },
    ]);
  });

  test.each([
    ['of another epoch', (_epoch: string, number: number) => `0123456789abcdef:${number}`],
    ['that is still to come', (epoch: string, number: number) => `${epoch}:${number + 1}`],
  ])('starts anew from a revision %s', async (_what, foreign) => {
    const [epoch, number] = (await rename('Acme 2')).split(':');
    const renewed = await renew(randomUUID(), foreign(epoch ?? '', Number(number)));
    expect(renewed).toMatchObject({ revision: `${epoch}:${number}`, changed: null });
    expect(renewed.leaseRemainingMs).toBeGreaterThan(0);
  });

  test('can be renewed by the other gateway', async () => {
    const client = randomUUID();
    const has = (await renew(client)).revision;
    const revision = await rename('Acme 3');
    const renewed = await renew(client, has, gateways.other);
    expect(renewed).toMatchObject({ revision, changed: [{ tenantId: acme.id }] });
  });

  test('is never longer than the gateway’s own', async () => {
    await gateways.whileOtherIsBlocked(async () => {
      const first = await renew(randomUUID(), null, gateways.other);
      await delay(300);
      const second = await renew(randomUUID(), null, gateways.other);
      expect(second.leaseRemainingMs).toBeLessThanOrEqual(first.leaseRemainingMs - 299);
      await delay(stalenessMs);
      expect(await renew(randomUUID(), null, gateways.other)).toMatchObject({ leaseRemainingMs: 0 });
    });
  });
});

describe('wait: EVERYWHERE', () => {
  // The leases of earlier tests have ended by then.
  beforeEach(() => delay(stalenessMs + 550));

  test('waits for a client until it has confirmed, and GATEWAYS does not', async () => {
    const client = randomUUID();
    const { revision } = await renew(client, undefined, gateways.other);
    // The other gateway reports the lease with its next poll.
    await delay(600);
    await renew(client, revision, gateways.other);
    expect(await timed('GATEWAYS')).toBeLessThan(400);
    await renew(client, (await renew(client, revision, gateways.other)).revision, gateways.other);
    await delay(600);
    const everywhere = timed('EVERYWHERE');
    await delay(300);
    const { revision: learned, changed } = await renew(client, revision, gateways.other);
    expect(changed?.length).toBeGreaterThan(0);
    // The renewal told the client about the change; the client confirms it with the next renewal.
    await delay(300);
    await renew(client, learned, gateways.other);
    const tookMs = await everywhere;
    expect(tookMs).toBeGreaterThan(590);
    expect(tookMs).toBeLessThan(600 + 700);
  });

  test('waits no longer than the staleness bound for a client that has disappeared', async () => {
    await renew(randomUUID());
    await delay(600);
    await renew(randomUUID());
    const tookMs = await timed('EVERYWHERE');
    expect(tookMs).toBeGreaterThan(stalenessMs - 650);
    expect(tookMs).toBeLessThan(stalenessMs + 300);
    expect(await timed('EVERYWHERE')).toBeLessThan(800);
  });

  test('waits for a client that got a reusable answer and does not report', async () => {
    const { data } = await gateways.other.ask(
      'query ($id: ID!) { tenantSchema(id: $id, module: "finance") { leaseRemainingMs } }',
      { id: acme.id },
    );
    const granted = data.tenantSchema.leaseRemainingMs;
    const askedAt = performance.now();
    if (granted === 0) throw new Error('the answer should come with a lease');
    await timed('EVERYWHERE');
    expect(performance.now() - askedAt).toBeGreaterThan(granted - 50);
    expect(performance.now() - askedAt).toBeLessThan(stalenessMs + 700);
  });

  test('does not wait for a client that has ended its lease', async () => {
    const client = randomUUID();
    await renew(client);
    const { lease } = await post(JSON.stringify({ client, ends: true }));
    expect(lease).toEqual({ revision: null, leaseRemainingMs: 0, changed: null });
    // The gateway reports it with its next poll.
    await delay(600);
    expect(await timed('EVERYWHERE')).toBeLessThan(400);
  });

  test('waits for a client whose renewal is in progress', async () => {
    if (!gateway.app.gateway) throw new Error('no gateway');
    const { changes } = gateway.app.gateway.freshness;
    const { changesAfter } = changes;
    const has = await rename('Acme 4');
    const client = randomUUID();
    let acknowledged: Promise<unknown> = Promise.resolve();
    let isAcknowledged = false;
    // The read of the log is slow, and a change is committed meanwhile that this renewal does not include.
    changes.changesAfter = async (...range) => {
      const found = await changesAfter(...range);
      acknowledged = timed('EVERYWHERE').then(() => {
        isAcknowledged = true;
      });
      await delay(300);
      return found;
    };
    const told = await renew(client, has).finally(() => {
      changes.changesAfter = changesAfter;
    });
    expect(told).toMatchObject({ revision: has, changed: [] });
    expect([told.leaseRemainingMs > 0, isAcknowledged]).toEqual([true, false]);
    await renew(client, (await renew(client, has)).revision);
    await acknowledged;
  });

  test('does not wait for a client without a lease', async () => {
    expect(await resolve(gateways.other, acme.id)).toBe(`finance_${acme.slug}`);
    expect(await timed('EVERYWHERE')).toBeLessThan(400);
  });
});

describe('a request for a lease is refused', () => {
  const client = randomUUID();
  test.each([
    ['that is no JSON', 'lease, please'],
    ['without a client', '{}'],
    ['of a client that is no UUID', '{"client": "me"}'],
    ['with a revision that is none', JSON.stringify({ client, has: 'yesterday' })],
    ['with a revision that is a number', JSON.stringify({ client, has: 7 })],
    ['that is no object', '[]'],
  ])('%s', async (_what, body) => {
    const { status, codes } = await post(body);
    expect([status, codes]).toEqual([400, ['VALIDATION_ERROR']]);
  });

  test('with an API key that is unknown or may not resolve routes', async () => {
    const body = JSON.stringify({ client });
    const poor = await post(body, { key: await gateway.createKey('registry:write') });
    const none = await post(body, { key: `trk_${'x'.repeat(43)}` });
    expect([poor.status, poor.codes, none.status, none.codes]).toEqual([
      ...[403, ['FORBIDDEN']],
      ...[401, ['UNAUTHENTICATED']],
    ]);
    const able = await post(body, { key: await gateway.createKey('resolve:finance') });
    expect(able.status).toBe(200);
  });

  test('with another HTTP method or as a form', async () => {
    const byGet = await fetch(`${gateway.url}/lease?client=${client}`);
    const byPut = await fetch(`${gateway.url}/lease`, { method: 'PUT', body: '{}' });
    const asForm = await fetch(`${gateway.url}/lease`, {
      method: 'POST',
      body: new URLSearchParams({ client }),
    });
    expect([byGet.status >= 400, byPut.status, asForm.status]).toEqual([true, 405, 415]);
  });
});
