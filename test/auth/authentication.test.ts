import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGateway, recordStatements, type TestGateway } from '../setup/gateway.js';
import { graphqlResponse } from '../setup/graphql-calls.js';
import { everyOperation, withTitles } from './support/every-operation.js';

let gateway: TestGateway;
let open: TestGateway;
let key: string;
beforeAll(async () => {
  gateway = await openGateway({ authMode: 'required' });
  open = await openGateway({ sharing: gateway });
  key = await gateway.createKey('registry:read');
});
afterAll(async () => {
  await open?.close();
  await gateway?.close();
});

async function askWith(
  authorization: string | undefined,
  at: TestGateway = gateway,
  query = '{ modules { name } }',
) {
  const response = await fetch(`${at.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(authorization !== undefined && { authorization }) },
    body: JSON.stringify({ query }),
  });
  const { data, errors } = (await response.json()) as {
    data?: { modules?: unknown[] };
    errors?: { extensions?: { code: string; http: { status: number } } }[];
  };
  return { status: response.status, data, errors, challenge: response.headers.get('www-authenticate') };
}

describe('with AUTH_MODE=required and no key', () => {
  test.each(withTitles(everyOperation()))(
    '%s is UNAUTHENTICATED and runs no statement',
    async (_title, { query }) => {
      const statements = await recordStatements(async () => {
        for (const accept of ['application/json', graphqlResponse]) {
          const { status, data, codes } = await gateway.ask(query, {}, { accept });
          expect({ status, data, codes }).toEqual({
            status: 401,
            data: undefined,
            codes: ['UNAUTHENTICATED'],
          });
        }
      });
      expect(statements).toEqual([]);
    },
  );

  test.each(['{ __typename }', '{ __schema { types { name } } }', '{ nonsense', '{ noSuchField }', ''])(
    'every other document is UNAUTHENTICATED without being parsed: %j',
    async (query) => {
      const { status, errors, challenge } = await askWith(undefined, gateway, query);
      expect(status).toBe(401);
      expect(errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED', http: { status: 401 } } }]);
      expect(challenge).toBe('Bearer');
    },
  );

  test('a query by GET is refused as well', async () => {
    const response = await fetch(
      `${gateway.url}/graphql?query=${encodeURIComponent('{ modules { name } }')}`,
    );
    expect(response.status).toBe(401);
  });
});

describe('an Authorization header', () => {
  test.each(['Bearer', 'bearer', 'BEARER', 'Bearer   '])(
    'with the key after %j is accepted',
    async (scheme) => {
      const { status, data } = await askWith(
        `${scheme.trimEnd()} ${' '.repeat(scheme.length - scheme.trimEnd().length)}${key}`,
      );
      expect(status).toBe(200);
      expect(data?.modules).toHaveLength(4);
    },
  );

  const wrong: [string, (secret: string) => string][] = [
    ['nothing but a scheme', () => 'Bearer'],
    ['another scheme', (secret) => `Basic ${secret}`],
    ['Basic with the key as password', (secret) => `Basic ${Buffer.from(`x:${secret}`).toString('base64')}`],
    ['no scheme', (secret) => secret],
    ['two keys', (secret) => `Bearer ${secret} ${secret}`],
    ['two keys in a list', (secret) => `Bearer ${secret}, Bearer ${secret}`],
    ['a key cut short', (secret) => `Bearer ${secret.slice(0, -1)}`],
    ['a key with something behind', (secret) => `Bearer ${secret}x`],
    ['a key in other letters', (secret) => `Bearer ${secret.toUpperCase()}`],
    ['a key nobody made', () => `Bearer trk_${'A'.repeat(43)}`],
    ['a key of another kind', () => `Bearer sk_live_${'A'.repeat(40)}`],
    ['SQL', () => `Bearer trk_' OR '1'='1`],
    ['a hash instead of the key', () => `Bearer ${'0'.repeat(64)}`],
    ['a token that is no key', () => 'Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.'],
    ['letters beyond ASCII', () => 'Bearer \u00e4\u00f6\u00fc'],
    ['something endless', () => `Bearer ${'x'.repeat(8000)}`],
  ];
  test.each(wrong)('with %s is rejected, even by the open gateway', async (_what, authorization) => {
    for (const at of [gateway, open]) {
      const { status, data, errors } = await askWith(authorization(key), at);
      expect([status, data]).toEqual([401, undefined]);
      expect(errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
    }
  });

  test('that cannot contain a key is refused without a database query', async () => {
    const statements = await recordStatements(() => askWith('Bearer nonsense'));
    expect(statements).toEqual([]);
  });

  test('that is missing or empty gives the developer’s rights at the open gateway', async () => {
    for (const authorization of [undefined, ''])
      expect((await askWith(authorization, open)).status).toBe(200);
    expect((await askWith('')).status).toBe(401);
  });

  test('limits the caller to the scopes of the key at the open gateway, too', async () => {
    const { errors } = await askWith(`Bearer ${key}`, open, '{ auditLog { edges { cursor } } }');
    expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
  });
});

describe('a key that was', () => {
  test('revoked is rejected from then on', async () => {
    const secret = await gateway.createKey('registry:read');
    expect((await askWith(`Bearer ${secret}`)).status).toBe(200);
    await gateway.psql(`UPDATE api_keys SET revoked_at = now() WHERE secret_hash = sha256($1)`, [
      Buffer.from(secret),
    ]);
    expect((await askWith(`Bearer ${secret}`)).status).toBe(401);
  });

  test('created with an expiry date is rejected after it', async () => {
    const secret = await gateway.createKey('registry:read');
    const expire = (when: string) =>
      gateway.psql(`UPDATE api_keys SET expires_at = ${when} WHERE secret_hash = sha256($1)`, [
        Buffer.from(secret),
      ]);
    await expire(`now() + interval '1 hour'`);
    expect((await askWith(`Bearer ${secret}`)).status).toBe(200);
    await expire(`now() - interval '1 second'`);
    expect((await askWith(`Bearer ${secret}`)).status).toBe(401);
  });

  test('used has the time of its last use to the minute, which is no change in the change log', async () => {
    const secret = await gateway.createKey('registry:read');
    const read = async () => {
      const [row] = await gateway.psql(
        `SELECT last_used_at, (SELECT revision FROM registry_head) AS head FROM api_keys WHERE secret_hash = sha256($1)`,
        [Buffer.from(secret)],
      );
      return row;
    };
    const before = await read();
    expect(before?.last_used_at).toBeNull();
    await askWith(`Bearer ${secret}`);
    const used = await read();
    expect(Date.now() - used?.last_used_at).toBeLessThan(60_000);
    expect(used?.head).toBe(before?.head);
    await askWith(`Bearer ${secret}`);
    expect(await read()).toEqual(used);
  });
});
