import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
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

/** An identity provider for one test. */
export interface TestIdentityProvider extends AsyncDisposable {
  provider: IdentityProvider;
  /** A token that is valid for five minutes, unless the claims say otherwise. */
  sign(claims: JWTPayload, options?: { by?: 'stranger' }): Promise<string>;
  /** Answers requests for the keys with this status from now on. */
  fail(status: number): void;
}

export async function openIdentityProvider(): Promise<TestIdentityProvider> {
  const own = await generateKeyPair('ES256');
  const stranger = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(own.publicKey)), kid: 'one', alg: 'ES256' };
  let status = 200;
  const server = createServer((_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ keys: [jwk] }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    provider: { ...tokenRules, issuer, audience, jwksUrl: `http://127.0.0.1:${port}/keys` },
    sign(claims, { by } = {}) {
      const now = Math.floor(Date.now() / 1_000);
      return new SignJWT({ iss: issuer, aud: audience, iat: now, exp: now + 300, ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: 'one' })
        .sign((by === 'stranger' ? stranger : own).privateKey);
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
