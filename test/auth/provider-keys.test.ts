import { Writable } from 'node:stream';
import { decodeProtectedHeader, jwtVerify } from 'jose';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ProviderKeyStore } from '../../src/auth/provider-keys.js';
import { openGateway } from '../setup/gateway.js';
import { openIdentityProvider, type TestIdentityProvider } from '../setup/identity-provider.js';

let identities: TestIdentityProvider;
let now: number;
let lines: string[];
beforeEach(async () => {
  identities = await openIdentityProvider();
  now = 0;
  lines = [];
});
afterEach(() => identities[Symbol.asyncDispose]());

function openStore(provider: { issuer?: string; jwksUrl?: string | undefined } = {}): ProviderKeyStore {
  const destination = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  return new ProviderKeyStore({
    provider: { ...identities.provider, ...provider },
    log: pino(destination),
    clock: () => now,
  });
}

/** Whether the token's signature is by one of the current keys. */
async function accepts(store: ProviderKeyStore, token: string): Promise<boolean> {
  const keys = await store.current();
  const verify = (find: typeof keys.find) =>
    jwtVerify(token, find).then(
      () => true,
      () => false,
    );
  if (await verify(keys.find)) return true;
  const newer = await store.newerThan(keys);
  return newer !== undefined && verify(newer.find);
}

describe('a key that left the provider', () => {
  test('is refused within 60 s, whether it is used all the time or only then', async () => {
    for (const stepMs of [500, 60_000]) {
      const store = openStore();
      const token = await identities.sign({ sub: 'a' });
      now = 0;
      identities.publish(undefined);
      expect(await accepts(store, token)).toBe(true);
      identities.publish([(await identities.anotherKey('two')).jwk]);
      const leftAt = now;
      let acceptedAt = 0;
      for (now += stepMs; now - leftAt <= 60_000; now += stepMs) {
        if (await accepts(store, token)) acceptedAt = now;
        await new Promise((resolve) => setTimeout(resolve, stepMs === 500 ? 1 : 0));
      }
      expect(acceptedAt).toBeLessThanOrEqual(50_000);
      expect(await accepts(store, token)).toBe(false);
    }
  });

  test('is refused by the gateway although its token was accepted before', async () => {
    await using gateway = await openGateway({
      authMode: 'required',
      config: { identityProvider: identities.provider },
    });
    const token = await identities.sign({ sub: 'a', scope: 'registry:read' });
    const ask = async () => (await gateway.ask('{ modules { name } }', {}, { key: token })).codes;
    expect(await ask()).toEqual([]);
    identities.publish([(await identities.anotherKey('two')).jwk]);
    // A token with an unknown key makes the gateway read the keys, at most every five seconds.
    await new Promise((resolve) => setTimeout(resolve, 5_100));
    const unknown = await identities.sign({ sub: 'a' }, { header: { kid: 'three' } });
    await gateway.ask('{ modules { name } }', {}, { key: unknown });
    expect(await ask()).toEqual(['UNAUTHENTICATED']);
  });
});

describe('the keys', () => {
  test('are read at most once every five seconds for tokens with unknown keys', async () => {
    const store = openStore();
    for (let at = 0; at < 100; at++)
      expect(await accepts(store, await identities.sign({ sub: 'a' }, { header: { kid: `k${at}` } }))).toBe(
        false,
      );
    expect(identities.reads()).toBe(1);
  });

  test('that are new are found within five seconds', async () => {
    const store = openStore();
    await store.current();
    const two = await identities.anotherKey('two');
    identities.publish([identities.publicKey, two.jwk]);
    now = 5_001;
    expect(
      await accepts(store, await identities.sign({ sub: 'a' }, { by: two, header: { kid: 'two' } })),
    ).toBe(true);
  });

  test('are used for ten minutes while the provider does not answer, and unknown keys are refused as unavailable', async () => {
    const store = openStore();
    const token = await identities.sign({ sub: 'a' });
    expect(await accepts(store, token)).toBe(true);
    identities.fail(503);
    now = 599_000;
    expect(await accepts(store, token)).toBe(true);
    const unknown = await identities.sign({ sub: 'a' }, { header: { kid: 'two' } });
    await expect(accepts(store, unknown)).rejects.toMatchObject({ code: 'REGISTRY_UNAVAILABLE' });
    now = 600_001;
    await expect(accepts(store, token)).rejects.toMatchObject({ code: 'REGISTRY_UNAVAILABLE' });
    identities.fail(200);
    now = 606_000;
    expect(await accepts(store, token)).toBe(true);
  });

  test('that cannot be read are reported with their URL in the log only', async () => {
    identities.fail(500);
    const store = openStore();
    const failure = await store.current().catch((error) => error);
    expect(failure.code).toBe('REGISTRY_UNAVAILABLE');
    expect(`${failure.message} ${failure.cause}`).not.toMatch(/127\.0\.0\.1|http|keys\b.*\//);
    expect(lines.join()).toContain(`${identities.origin}/keys`);
  });
});

describe('discovery', () => {
  const discovered = () => openStore({ issuer: identities.origin, jwksUrl: undefined });
  const token = () => identities.sign({ sub: 'a', iss: identities.origin });

  test('finds the keys at the jwks_uri of the issuer', async () => {
    identities.discover({ issuer: identities.origin, jwks_uri: `${identities.origin}/elsewhere` });
    expect(await accepts(discovered(), await token())).toBe(true);
  });

  test.each<[string, (origin: string) => object | undefined, string]>([
    ['without a document', () => undefined, 'HTTP status 404'],
    [
      'with keys on another origin',
      (origin) => ({ issuer: origin, jwks_uri: 'https://evil.example/keys' }),
      'another origin',
    ],
    [
      'with keys on another port',
      (origin) => ({ issuer: origin, jwks_uri: 'http://127.0.0.1:1/keys' }),
      'another origin',
    ],
    [
      'with keys over plain HTTP',
      (origin) => ({ issuer: origin, jwks_uri: 'http://login.example/keys' }),
      'no usable jwks_uri',
    ],
    ['without jwks_uri', (origin) => ({ issuer: origin }), 'no usable jwks_uri'],
    [
      'of another issuer',
      (origin) => ({ issuer: 'https://evil.example', jwks_uri: `${origin}/keys` }),
      'the discovery document is of issuer',
    ],
  ])('%s is refused with a line of the log', async (_what, document, reason) => {
    identities.discover(document(identities.origin));
    await expect(discovered().current()).rejects.toMatchObject({ code: 'REGISTRY_UNAVAILABLE' });
    expect(lines.join()).toContain(reason);
    expect(identities.reads()).toBe(0);
  });
});

test('tokens without kid are accepted by whichever key signed them', async () => {
  const [two, three] = [await identities.anotherKey('two'), await identities.anotherKey()];
  identities.publish([identities.publicKey, two.jwk, three.jwk]);
  await using gateway = await openGateway({
    authMode: 'required',
    config: { identityProvider: identities.provider },
  });
  const claims = { sub: 'a', scope: 'registry:read' };
  const header = { kid: undefined };
  const tokens = await Promise.all([
    identities.sign(claims, { header }),
    identities.sign(claims, { by: two, header }),
    identities.sign(claims, { by: three, header }),
    identities.sign(claims, { by: 'stranger', header }),
  ]);
  expect(tokens.map((token) => decodeProtectedHeader(token).kid)).toEqual(tokens.map(() => undefined));
  const codes = [];
  for (const key of tokens) codes.push((await gateway.ask('{ modules { name } }', {}, { key })).codes.join());
  expect(codes).toEqual(['', '', '', 'UNAUTHENTICATED']);
});
