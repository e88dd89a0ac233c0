import type { KeyObject } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
} from 'jose';
import type { IdentityProvider } from '../../src/config.js';

const issuer = 'https://login.example';
const audience = 'tenant-registry';

/** How tokens are read by default. */
const tokenRules = {
  audienceClaim: 'aud',
  types: ['jwt', 'at+jwt'],
  maxLifetimeSeconds: 86_400,
  scopes: undefined,
  scopeClaims: ['scope'],
  scopePrefix: '',
} as const;

interface SigningKey {
  privateKey: CryptoKey | KeyObject;
  jwk: JWK;
}

interface SignOptions {
  /** "stranger": a key that the provider does not publish. */
  by?: 'stranger' | SigningKey;
  /** Further fields of the header; undefined removes a field. */
  header?: Record<string, unknown>;
}

/** An identity provider for one test. */
export interface TestIdentityProvider extends AsyncDisposable {
  provider: IdentityProvider;
  /** A token that is valid for five minutes, unless the claims say otherwise. */
  sign(claims: Record<string, unknown>, options?: SignOptions): Promise<string>;
  publicKey: JWK;
  /** How often the keys were read. */
  reads(): number;
  /** Replaces the published keys; undefined publishes the first one again. */
  publish(keys: readonly object[] | undefined): void;
  /** Creates another key pair; tokens by it are signed with `by`. */
  anotherKey(kid?: string): Promise<SigningKey>;
  /** Answers the discovery document; undefined: 404. */
  discover(document: object | undefined): void;
  /** "http://127.0.0.1:1234" */
  origin: string;
  /** Answers requests for the keys with this status from now on. */
  fail(status: number): void;
}

export async function openIdentityProvider(): Promise<TestIdentityProvider> {
  const own = await generateKeyPair('ES256');
  const stranger = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(own.publicKey)), kid: 'one', alg: 'ES256' };
  let status = 200;
  let published: readonly object[] = [jwk];
  let discovery: object | undefined;
  let reads = 0;
  const server = createServer((request, response) => {
    const isDiscovery = request.url?.includes('/.well-known/openid-configuration');
    if (!isDiscovery) reads++;
    response.writeHead(isDiscovery && !discovery ? 404 : status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(isDiscovery ? (discovery ?? {}) : { keys: published }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  return {
    provider: { ...tokenRules, issuer, audience, jwksUrl: `${origin}/keys` },
    publicKey: jwk,
    origin,
    reads: () => reads,
    publish(keys) {
      published = keys ?? [jwk];
    },
    async anotherKey(kid) {
      const pair = await generateKeyPair('ES256');
      return {
        privateKey: pair.privateKey,
        jwk: { ...(await exportJWK(pair.publicKey)), alg: 'ES256', ...(kid && { kid }) },
      };
    },
    discover(document) {
      discovery = document;
    },
    sign(claims, { by, header } = {}) {
      const now = Math.floor(Date.now() / 1_000);
      const signer = by === 'stranger' ? stranger : (by ?? own);
      const payload = { iss: issuer, aud: audience, iat: now, exp: now + 300, ...claims } as JWTPayload;
      return new SignJWT(payload)
        .setProtectedHeader(withoutUndefined({ alg: 'ES256', kid: 'one', ...header }))
        .sign(signer.privateKey);
    },
    fail(wanted) {
      status = wanted;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function withoutUndefined(header: Record<string, unknown>): JWTHeaderParameters {
  return JSON.parse(JSON.stringify(header));
}
