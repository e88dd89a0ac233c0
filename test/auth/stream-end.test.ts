import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { operator } from '../../src/auth/caller.js';
import { revokeApiKey } from '../../src/registry/commands/revoke-api-key.js';
import {
  type CredentialStream,
  operationProgress,
  routesChanged,
} from '../feed/support/credential-streams.js';
import { openTwoGateways, type TwoGateways } from '../feed/support/two-gateways.js';
import { uniqueName } from '../setup/database.js';
import type { TestGateway } from '../setup/gateway.js';
import { mutate } from '../setup/graphql-calls.js';
import { openIdentityProvider, type TestIdentityProvider } from '../setup/identity-provider.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';

const stalenessMs = 2_000;
/** Time for the last event to arrive on a loaded machine. */
const deliveryMs = 1_000;

let identities: TestIdentityProvider;
let gateways: TwoGateways;
let gateway: TestGateway;
let acme: StoryTenant;
/** An operation that never ends. */
let operationId: string;
beforeAll(async () => {
  identities = await openIdentityProvider();
  gateways = await openTwoGateways({ stalenessMs, identityProvider: identities.provider });
  gateway = gateways.one;
  acme = await aTenant().subscribedTo('finance').at(gateway);
  const [row] = await gateway.psql<{ id: string }>(
    `INSERT INTO operations (kind, tenant_id, actor, status, run_after)
     VALUES ('subscribe_tenant', $1, 'test', 'queued', now() + interval '1 day') RETURNING id`,
    [acme.id],
  );
  operationId = row?.id ?? '';
});
afterAll(async () => {
  await gateways?.close();
  await identities?.[Symbol.asyncDispose]();
});

const scopes = ['resolve:finance', 'registry:read'];

/** Both kinds of stream at both gateways. */
async function everyStream(key: string): Promise<CredentialStream[]> {
  const streams = await Promise.all(
    [gateways.one, gateways.other].flatMap(({ url }) => [
      routesChanged(url, key),
      operationProgress(url, key, operationId),
    ]),
  );
  expect(streams.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  return streams;
}

async function expectEnds(streams: readonly CredentialStream[], withinMs = stalenessMs + deliveryMs) {
  const ends = await Promise.all(streams.map((stream) => stream.end(withinMs)));
  for (const { codes, ending } of ends)
    expect({ codes, ending }).toEqual({ codes: ['UNAUTHENTICATED'], ending: 'complete' });
  return ends;
}

async function keyIdOf(secret: string): Promise<string> {
  const [row] = await gateway.psql<{ id: string }>('SELECT id FROM api_keys WHERE secret_hash = sha256($1)', [
    Buffer.from(secret),
  ]);
  return row?.id ?? '';
}

describe('every open stream of a key ends on every gateway within the staleness bound', () => {
  const sql = (statement: string) => async (id: string) => void (await gateway.psql(statement, [id]));
  test.each<[string, (id: string) => Promise<unknown>]>([
    ['after revokeApiKey', (id) => mutate(gateway, 'revokeApiKey', { id })],
    [
      'after a revocation at the command line',
      (id) => revokeApiKey(gateway.app.commandsFor(operator('root')), { id }),
    ],
    ['after a revocation in psql', sql('UPDATE api_keys SET revoked_at = now() WHERE id = $1')],
    ['after its row is deleted in psql', sql('DELETE FROM api_keys WHERE id = $1')],
    ['after it lost a scope in psql', sql(`UPDATE api_keys SET scopes = '{registry:read}' WHERE id = $1`)],
    ['after a rotation without overlap', (id) => mutate(gateway, 'rotateApiKey', { id, overlapSeconds: 0 })],
  ])('%s', async (_door, revoke) => {
    const key = await gateway.createKey(...scopes);
    const streams = await everyStream(key);
    await delay(300);
    expect(streams.every((stream) => stream.isOpen())).toBe(true);
    await revoke(await keyIdOf(key));
    await expectEnds(streams);
  });

  test('and those of other keys stay open', async () => {
    const [ending, staying] = await Promise.all([gateway.createKey(...scopes), gateway.createKey(...scopes)]);
    const [streams, others] = await Promise.all([everyStream(ending), everyStream(staying)]);
    await mutate(gateway, 'revokeApiKey', { id: await keyIdOf(ending) });
    await expectEnds(streams);
    await delay(1_200);
    expect(others.every((stream) => stream.isOpen())).toBe(true);
    for (const stream of others) await stream[Symbol.asyncDispose]();
  });
});

describe('a stream ends exactly', () => {
  test('when its key expires', async () => {
    const expiresAt = new Date(Date.now() + 2_500);
    const { result } = await mutate(
      gateway,
      'createApiKey',
      { name: 'short', scopes, expiresAt: expiresAt.toISOString() },
      'secret',
    );
    const streams = await everyStream(result.secret);
    await expectEnds(streams, 4_500);
    const lateMs = Date.now() - expiresAt.getTime();
    expect(lateMs).toBeGreaterThanOrEqual(-5);
    expect(lateMs).toBeLessThan(600);
  });

  test('when the overlap of a rotation ends', async () => {
    const key = await gateway.createKey(...scopes);
    const streams = await everyStream(key);
    const rotated = await mutate(
      gateway,
      'rotateApiKey',
      { id: await keyIdOf(key), overlapSeconds: 2 },
      'secret previous { expiresAt }',
    );
    await expectEnds(streams, 2_000 + deliveryMs);
    const lateMs = Date.now() - Date.parse(rotated.result.previous.expiresAt);
    expect(lateMs).toBeGreaterThanOrEqual(-5);
    expect(lateMs).toBeLessThan(600);
    const successor = await everyStream(rotated.result.secret);
    for (const stream of successor) await stream[Symbol.asyncDispose]();
  });

  test('at the "exp" of its token', async () => {
    const exp = Math.ceil(Date.now() / 1_000) + 2;
    const streams = await everyStream(await identities.sign({ sub: 'a', scope: scopes.join(' '), exp }));
    await expectEnds(streams, 4_500);
    const lateMs = Date.now() - exp * 1_000;
    expect(lateMs).toBeGreaterThanOrEqual(-5);
    expect(lateMs).toBeLessThan(600);
  });
});

describe('the streams of a token', () => {
  beforeAll(async () => {
    // The last admin of a tenant cannot be removed.
    await gateway.psql(
      `INSERT INTO members (tenant_id, email, subject, status, role) VALUES ($1, 'a@acme.example', 'other', 'active', 'admin')`,
      [acme.id],
    );
  });

  async function aMemberWithStreams() {
    const subject = uniqueName('sub');
    const [row] = await gateway.psql<{ id: string }>(
      `INSERT INTO members (tenant_id, email, subject, status, role) VALUES ($1, $2, $3, 'active', 'admin') RETURNING id`,
      [acme.id, `${subject}@acme.example`, subject],
    );
    const token = await identities.sign({ sub: subject, scope: scopes.join(' ') });
    return { memberId: row?.id ?? '', streams: await everyStream(token) };
  }

  test('end when its subject is removed from a tenant', async () => {
    const { memberId, streams } = await aMemberWithStreams();
    const { codes } = await mutate(gateway, 'removeTenantMember', { tenantId: acme.id, memberId });
    expect(codes).toEqual([]);
    await expectEnds(streams);
  });

  test('end when its subject is removed, or made a plain member, in psql', async () => {
    for (const change of [`status = 'removed'`, `role = 'member'`]) {
      const { memberId, streams } = await aMemberWithStreams();
      await gateway.psql(`UPDATE members SET ${change} WHERE id = $1`, [memberId]);
      await expectEnds(streams);
    }
  });
});

test('a gateway without news from the database ends the streams of keys within the staleness bound', async () => {
  const key = await gateway.createKey(...scopes);
  const stream = await routesChanged(gateways.other.url, key);
  await gateways.whileOtherIsBlocked(async () => {
    const id = await keyIdOf(key);
    await gateway.psql('UPDATE api_keys SET revoked_at = now() WHERE id = $1', [id]);
    const { ending, codes } = await stream.end(stalenessMs + deliveryMs);
    expect(ending).toBe('complete');
    expect(codes).toHaveLength(1);
  });
});

test('a client that does not read is cut off after the end of its key', async () => {
  const key = await gateway.createKey(...scopes);
  const before = gateway.app.gateway?.freshness.changes.subscribers;
  const stream = await routesChanged(gateway.url, key);
  stream.pause();
  await mutate(gateway, 'revokeApiKey', { id: await keyIdOf(key) });
  const subscribers = () => gateway.app.gateway?.freshness.changes.subscribers;
  await expect.poll(subscribers, { timeout: stalenessMs }).toBe(before);
  await stream[Symbol.asyncDispose]();
});
