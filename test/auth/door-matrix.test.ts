import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSecret } from '../../src/auth/api-key.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { openIdentityProvider, type TestIdentityProvider } from '../setup/identity-provider.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';
import { type Door, everyDoor, findDifferences, tenantDoors } from './support/doors.js';

let identities: TestIdentityProvider;
let gateway: TestGateway;
let acme: StoryTenant;
let other: StoryTenant;
let doors: Door[];
beforeAll(async () => {
  identities = await openIdentityProvider();
  gateway = await openGateway({ authMode: 'required', config: { identityProvider: identities.provider } });
  await using open = await openGateway({ sharing: gateway });
  acme = await aTenant().subscribedTo('finance').at(open);
  other = await aTenant().subscribedTo('finance').at(open);
  await gateway.psql(
    `INSERT INTO members (tenant_id, email, subject, status, role) VALUES
       ($1, 'admin@acme.example', 'admin', 'active', 'admin'), ($1, 'plain@acme.example', 'plain', 'active', 'member'),
       ($1, 'gone@acme.example', NULL, 'removed', 'admin'), ($2, 'x@other.example', 'stranger', 'active', 'admin')`,
    [acme.id, other.id],
  );
  doors = everyDoor(acme.id);
});
afterAll(async () => {
  await gateway?.close();
  await identities?.[Symbol.asyncDispose]();
});

interface Caller {
  /** Undefined for a caller without a credential. */
  credential: () => Promise<string | undefined>;
  /** The answer of the door: a code, or "open" when the caller may pass it. */
  expected: (door: Door) => string;
}

const refusedEverywhere = () => 'UNAUTHENTICATED';

/** The answer of a door without a demand, for a caller with these answers elsewhere. */
function expectedOfAll(expected: Caller['expected']): string {
  return expected === refusedEverywhere ? 'UNAUTHENTICATED' : 'open';
}
const scopes = [
  ...['resolve:finance', 'resolve:*', 'registry:read', 'registry:write', 'provision'],
  ...['audit:read', 'keys:manage', 'schema:read', 'documents:any', 'usage:record'],
];

/** Only another module, for which every door is closed. */
const strange = ['resolve:operations', 'resolve:finance_2'];

function withScope(scope: string) {
  return (door: Door) =>
    door.scope === scope || (scope === 'resolve:*' && door.scope?.startsWith('resolve:'))
      ? 'open'
      : 'FORBIDDEN';
}

async function aKey(change: string): Promise<string> {
  const secret = await gateway.createKey(...scopes.slice(1));
  await gateway.psql(`UPDATE api_keys SET ${change} WHERE secret_hash = sha256($1)`, [Buffer.from(secret)]);
  return secret;
}

const everything = scopes.slice(1).join(' ');
const seconds = () => Math.floor(Date.now() / 1_000);

const callers: Record<string, Caller> = {
  nobody: { credential: async () => undefined, expected: refusedEverywhere },
  'an expired key': {
    credential: () => aKey(`expires_at = now() - interval '1 second'`),
    expected: refusedEverywhere,
  },
  'a revoked key': { credential: () => aKey('revoked_at = now()'), expected: refusedEverywhere },
  'a key nobody made': { credential: async () => createSecret(), expected: refusedEverywhere },
  'a token of a foreign issuer': {
    credential: () => identities.sign({ sub: 'a', scope: everything, iss: 'https://evil.example' }),
    expected: refusedEverywhere,
  },
  'a token for a foreign audience': {
    credential: () => identities.sign({ sub: 'a', scope: everything, aud: 'another-api' }),
    expected: refusedEverywhere,
  },
  'an expired token': {
    credential: () =>
      identities.sign({ sub: 'a', scope: everything, iat: seconds() - 90, exp: seconds() - 60 }),
    expected: refusedEverywhere,
  },
  'an ID token': {
    credential: () => identities.sign({ sub: 'admin', scope: everything, nonce: 'n-0S6' }),
    expected: refusedEverywhere,
  },
  'a token of another signer': {
    credential: () => identities.sign({ sub: 'a', scope: everything }, { by: 'stranger' }),
    expected: refusedEverywhere,
  },
  'a tampered token': {
    credential: async () => {
      const [header, , signature] = (await identities.sign({ sub: 'a' })).split('.');
      const [, payload] = (await identities.sign({ sub: 'a', scope: everything })).split('.');
      return `${header}.${payload}.${signature}`;
    },
    expected: refusedEverywhere,
  },
  'a token without scopes': {
    credential: () => identities.sign({ sub: 'nobody' }),
    expected: () => 'FORBIDDEN',
  },
  'a removed member': { credential: () => identities.sign({ sub: 'gone' }), expected: () => 'FORBIDDEN' },
  'a member': {
    credential: () => identities.sign({ sub: 'plain' }),
    expected: ({ role }) => (role === 'MEMBER' ? 'open' : 'FORBIDDEN'),
  },
  'an admin': {
    credential: () => identities.sign({ sub: 'admin' }),
    expected: ({ role }) => (role ? 'open' : 'FORBIDDEN'),
  },
  'an admin of another tenant': {
    credential: () => identities.sign({ sub: 'stranger' }),
    expected: ({ role }) => (role ? 'TENANT_MISMATCH' : 'FORBIDDEN'),
  },
  ...Object.fromEntries(
    [...scopes, ...strange].map((scope): [string, Caller] => [
      `a key with ${scope}`,
      {
        credential: () => gateway.createKey(scope),
        // Events of routesChanged and leases are limited to the modules of the key; least-knowledge.test.ts has what it sees.
        expected: (door) =>
          strange.includes(scope) && ['SSE routesChanged', 'POST /lease'].includes(door.name)
            ? 'open'
            : withScope(scope)(door),
      },
    ]),
  ),
  ...Object.fromEntries(
    scopes.map((scope): [string, Caller] => [
      `a token with ${scope}`,
      {
        credential: () => identities.sign({ sub: 'service', scope }),
        expected: withScope(scope),
      },
    ]),
  ),
};

function send(
  door: Omit<Door, 'scope'>,
  credential: string | undefined,
  signal: AbortSignal | null = null,
): Promise<Response> {
  return fetch(`${gateway.url}${door.path}`, {
    method: door.method,
    headers: {
      accept: door.accept,
      ...(door.body !== undefined && { 'content-type': 'application/json' }),
      ...(credential !== undefined && { authorization: `Bearer ${credential}` }),
    },
    ...(door.body !== undefined && { body: door.body }),
    signal,
  });
}

/** Sends the door's request; "open" is every answer but a refusal of the caller. */
async function knock(door: Door, credential: string | undefined): Promise<string> {
  const gone = new AbortController();
  const response = await send(door, credential, gone.signal);
  // A stream that stays open has no first event to wait for.
  const isLiveStream = door.name === 'SSE routesChanged' && response.status === 200;
  const text = isLiveStream ? await firstEvent(response) : await response.text();
  gone.abort();
  const code = /"code":"(UNAUTHENTICATED|FORBIDDEN|TENANT_MISMATCH)"/.exec(text)?.[1];
  if (code === 'UNAUTHENTICATED') expect(response.status).toBe(401);
  return code ?? 'open';
}

async function firstEvent(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  const late = new Promise<{ value?: Uint8Array }>((resolve) => setTimeout(() => resolve({}), 150));
  const read = reader?.read().catch(() => ({}) as { value?: Uint8Array });
  const { value } = (await Promise.race([read, late])) ?? {};
  return value ? Buffer.from(value).toString() : '';
}

test('the table has every field of the schema and every method of the REST API', () => {
  expect(findDifferences()).toEqual([]);
});

describe.each(Object.entries(callers))('%s', (_name, { credential, expected }) => {
  test('passes exactly the doors of the table', async () => {
    const sent = await credential();
    const answers: Record<string, string> = {};
    for (const door of doors) answers[door.name] = await knock(door, sent);
    const answerOf = (door: Door) => (door.scope === undefined ? expectedOfAll(expected) : expected(door));
    expect(answers).toEqual(Object.fromEntries(doors.map((door) => [door.name, answerOf(door)])));
  });
});

describe('a door that was warmed for one tenant', () => {
  test.each(['registry:read', 'every scope'])(
    'answers with %s about the other tenant alone',
    async (kind) => {
      const key = await gateway.createKey(
        ...(kind === 'every scope' ? scopes.slice(1) : ['registry:read', 'resolve:*', 'audit:read']),
      );
      const traces = (text: string, { id, slug }: StoryTenant) =>
        [id, slug].filter((trace) => text.includes(trace));
      const [ofAcme, ofOther] = [tenantDoors(acme), tenantDoors(other)];
      for (const [at, door] of ofAcme.entries()) {
        for (let warming = 0; warming < 2; warming++) {
          const warm = await (await send(door, key)).text();
          expect(traces(warm, acme), `${door.name}: ${warm}`).not.toEqual([]);
          expect(traces(warm, other), door.name).toEqual([]);
        }
        const asked = ofOther[at] as (typeof ofOther)[number];
        const answer = await (await send(asked, key)).text();
        expect(traces(answer, other), `${asked.name}: ${answer}`).not.toEqual([]);
        expect(traces(answer, acme), asked.name).toEqual([]);
      }
    },
  );

  test('is closed to its members for the other tenant', async () => {
    const token = await identities.sign({ sub: 'admin' });
    const forMembers = (tenantId: string) => everyDoor(tenantId).filter(({ role }) => role !== undefined);
    for (const door of forMembers(acme.id)) expect(await knock(door, token), door.name).toBe('open');
    for (const door of forMembers(other.id))
      expect(await knock(door, token), door.name).toBe('TENANT_MISMATCH');
  });
});

test('acceptInvitation is for tokens, and refuses an unknown invitation', async () => {
  const query = 'mutation { acceptInvitation(input: { token: "no such token" }) { revision } }';
  const ask = async (credential: string | undefined) =>
    (await gateway.ask(query, {}, credential === undefined ? {} : { key: credential })).codes;
  expect(await ask(undefined)).toEqual(['UNAUTHENTICATED']);
  expect(await ask(await identities.sign({ sub: 'nobody' }))).toEqual(['VALIDATION_ERROR']);
  expect(await ask(await gateway.createKey('registry:read'))).toEqual(['FORBIDDEN']);
});
