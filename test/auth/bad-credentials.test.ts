import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSecret } from '../../src/auth/api-key.js';
import { openGateway, recordStatements, type TestGateway } from '../setup/gateway.js';
import { openIdentityProvider, type TestIdentityProvider } from '../setup/identity-provider.js';

let identities: TestIdentityProvider;
let gateway: TestGateway;
let key: string;
beforeAll(async () => {
  identities = await openIdentityProvider();
  gateway = await openGateway({ authMode: 'required', config: { identityProvider: identities.provider } });
  key = await gateway.createKey('registry:read');
});
afterAll(async () => {
  await gateway?.close();
  await identities?.[Symbol.asyncDispose]();
});

const question = '{ modules { name } }';
/** Leaves a row behind if it is carried out. */
const change = 'mutation { registerModule(input: { name: "made_by_a_bad_caller" }) { revision } }';

async function codesWith(authorization: string, query = question): Promise<string> {
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization },
    body: JSON.stringify({ query }),
  });
  const { errors = [] } = (await response.json()) as { errors?: { extensions: { code: string } }[] };
  return `${response.status} ${errors.map(({ extensions }) => extensions.code).join()}`;
}

/** Everything that a request could change: the log has an entry for each change of the registry's tables. */
async function readChanges(): Promise<unknown> {
  return gateway.psql(`SELECT revision::text, (SELECT count(*) FROM operations) AS operations,
    (SELECT json_agg(last_used_at ORDER BY id) FROM api_keys) AS used FROM registry_head`);
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const now = () => Math.floor(Date.now() / 1_000);
const claims = { sub: 'service', scope: 'registry:read registry:write' };
const good = (more: object = {}, header: object = {}) =>
  identities.sign({ ...claims, ...more }, { header: header as Record<string, string> });

/** The good token with another header, whose signature does not match it. */
const reheaded = async (header: object) => {
  const [, payload, signature] = (await good()).split('.');
  return `${encode(header)}.${payload}.${signature}`;
};

async function signedByPublicKey(alg: string) {
  const [, payload] = (await good()).split('.');
  const text = `${encode({ alg, kid: 'one' })}.${payload}`;
  const secret = JSON.stringify(identities.publicKey);
  return `${text}.${createHmac(alg.replace('HS', 'sha'), secret).update(text).digest('base64url')}`;
}

const badTokens: [string, () => Promise<string>][] = [
  ['expired', () => good({ iat: now() - 600, exp: now() - 60 })],
  ['expired a long time ago', () => good({ iat: 1, exp: 2 })],
  ['that never ends', () => good({ exp: undefined })],
  ['with a text as end', () => good({ exp: `${now() + 300}` })],
  ['with a list as end', () => good({ exp: [now() + 300] })],
  ['with null as end', () => good({ exp: null })],
  ['that ends before it begins', () => good({ nbf: now() + 400, exp: now() + 300 })],
  ['not valid yet', () => good({ nbf: now() + 600 })],
  ['with a text as begin', () => good({ nbf: 'now' })],
  ['issued in the future', () => good({ iat: now() + 600, exp: now() + 900 })],
  ['with a text as time of issue', () => good({ iat: 'now' })],
  ['valid for two days', () => good({ exp: now() + 172_800 })],
  ['valid for a thousand years', () => good({ exp: now() + 31_536_000_000 })],
  ['valid for two days, with nothing about its issue', () => good({ iat: undefined, exp: now() + 172_800 })],
  ['that was issued two days ago and is still valid', () => good({ iat: now() - 172_800 })],
  ['of a foreign issuer', () => good({ iss: 'https://evil.example' })],
  ['of an issuer with a slash more', () => good({ iss: 'https://login.example/' })],
  ['of an issuer in capitals', () => good({ iss: 'HTTPS://LOGIN.EXAMPLE' })],
  ['of a list of issuers', () => good({ iss: ['https://login.example'] })],
  ['without an issuer', () => good({ iss: undefined })],
  ['for a foreign audience', () => good({ aud: 'another-api' })],
  ['for foreign audiences', () => good({ aud: ['a', 'b'] })],
  ['for an audience that begins like ours', () => good({ aud: 'tenant-registry-2' })],
  ['without an audience', () => good({ aud: undefined })],
  ['for no audience but our name as client', () => good({ aud: undefined, client_id: 'tenant-registry' })],
  ['without a subject', () => good({ sub: undefined })],
  ['of an empty subject', () => good({ sub: '' })],
  ['of a subject with blanks', () => good({ sub: 'a b' })],
  ['of a subject with a line break', () => good({ sub: 'a\nb' })],
  ['of a subject that is too long', () => good({ sub: 'a'.repeat(256) })],
  ['of a subject that is a number', () => good({ sub: 7 })],
  ['of another signer', () => identities.sign(claims, { by: 'stranger' })],
  ['with an unknown kid', () => good({}, { kid: 'two' })],
  ['with a path as kid', () => good({}, { kid: '../../dev/null' })],
  [
    'with a key of its own in the header',
    () => identities.sign(claims, { by: 'stranger', header: { jwk: identities.publicKey } as never }),
  ],
  [
    'with the URL of its keys in the header',
    () => identities.sign(claims, { by: 'stranger', header: { jku: 'https://evil.example/keys' } }),
  ],
  ['with an unknown critical header', () => reheaded({ alg: 'ES256', kid: 'one', crit: ['x'], x: 1 })],
  ['of type ID token', () => good({}, { typ: 'id+jwt' })],
  ['of type logout token', () => good({}, { typ: 'logout+jwt' })],
  ['of type DPoP proof', () => good({}, { typ: 'dpop+jwt' })],
  ['with a nonce, so an ID token', () => good({ nonce: 'n' })],
  ['with the hash of an access token, so an ID token', () => good({ at_hash: 'h' })],
  ['with the hash of a code, so an ID token', () => good({ c_hash: 'h' })],
  ['whose use is identification', () => good({ token_use: 'id' })],
  ['that is typed as an ID token in its claims', () => good({ typ: 'ID' })],
  ['that is a refresh token', () => good({ typ: 'Refresh' })],
  ['without an algorithm', () => reheaded({ kid: 'one' })],
  ['with the algorithm none', async () => `${encode({ alg: 'none' })}.${(await good()).split('.')[1]}.x`],
  ['with the algorithm None', async () => `${encode({ alg: 'None' })}.${(await good()).split('.')[1]}.x`],
  ['signed with the public key as a secret', () => signedByPublicKey('HS256')],
  ['signed with the public key as a longer secret', () => signedByPublicKey('HS512')],
  ['with another algorithm than its key', () => reheaded({ alg: 'RS256', kid: 'one' })],
  [
    'with altered claims',
    async () => {
      const [header, , signature] = (await good()).split('.');
      const payload = { ...claims, iss: 'https://login.example', aud: 'tenant-registry', exp: now() + 300 };
      return `${header}.${encode({ ...payload, scope: 'registry:write' })}.${signature}`;
    },
  ],
  ['with an altered signature', async () => `${(await good()).slice(0, -8)}AAAAAAAA`],
  ['with an empty signature', async () => `${(await good()).split('.').slice(0, 2).join('.')}.`],
  [
    'with a signature of zeros',
    async () =>
      `${(await good()).split('.').slice(0, 2).join('.')}.${Buffer.alloc(64).toString('base64url')}`,
  ],
  ['with a signature cut short', async () => (await good()).slice(0, -4)],
  ['with a fourth part', async () => `${await good()}.x`],
  ['in five parts, as an encrypted one', async () => `${await good()}.x.y`],
  ['without a payload', async () => (await good()).split('.').toSpliced(1, 1, '').join('.')],
  [
    'whose payload is a list',
    async () =>
      (await good())
        .split('.')
        .toSpliced(1, 1, encode([1]))
        .join('.'),
  ],
  ['whose header is text', async () => (await good()).split('.').toSpliced(0, 1, 'eHg').join('.')],
  ['that is longer than 8 KiB', () => good({ more: 'x'.repeat(8_200) })],
  ['after a blank', async () => `x ${await good()}`],
];

test(`${badTokens.length} kinds of bad tokens are refused and change nothing, and the good one among them is accepted`, async () => {
  expect(badTokens.length).toBeGreaterThanOrEqual(40);
  const accepted: string[] = [];
  const before = await readChanges();
  for (const [kind, make] of badTokens) {
    const answer = await codesWith(`Bearer ${await make()}`, change);
    if (answer !== '401 UNAUTHENTICATED') accepted.push(`${kind}: ${answer}`);
  }
  expect(accepted).toEqual([]);
  expect(await readChanges()).toEqual(before);
  expect(await codesWith(`Bearer ${await good()}`)).toBe('200 ');
  expect(await codesWith(`Bearer ${await good()}`, change)).toBe('200 ');
  expect(await readChanges()).not.toEqual(before);
});

/** Bad keys that the gateway can recognise alone. */
const malformedKeys: [string, (secret: string) => string][] = [
  ['an empty one', () => ''],
  ['the prefix alone', () => 'trk_'],
  ['one without its prefix', (secret) => secret.slice(4)],
  ['one with another prefix', (secret) => `trx_${secret.slice(4)}`],
  ['one with a prefix in capitals', (secret) => `TRK_${secret.slice(4)}`],
  ['one cut short', (secret) => secret.slice(0, -1)],
  ['one with a character more', (secret) => `${secret}A`],
  ['one with its first random character changed', (secret) => replaceAt(secret, 4)],
  ['one with a random character changed', (secret) => replaceAt(secret, 20)],
  ['one with its checksum changed', (secret) => replaceAt(secret, 43)],
  [
    'one with two characters swapped',
    (secret) => `${secret.slice(0, 10)}${swap(secret.slice(10, 30))}${secret.slice(30)}`,
  ],
  ['one in capitals', (secret) => `trk_${secret.slice(4).toUpperCase()}`],
  ['one in small letters', (secret) => `trk_${secret.slice(4).toLowerCase()}`],
  ['one backwards', (secret) => `trk_${[...secret.slice(4)].toReversed().join('')}`],
  ['one of equal characters', () => `trk_${'B'.repeat(43)}`],
  ['one in base64 instead of base64url', (secret) => `trk_+/${secret.slice(6)}`],
  ['one with padding', (secret) => `${secret}=`],
  [
    'one with unused bits set',
    (secret) => `${secret.slice(0, -1)}${'AEIMQUYcgkosw048'.includes(secret.at(-1) as string) ? 'B' : '-'}`,
  ],
  ['two of them', (secret) => `${secret},${secret}`],
  ['its hash', () => '0'.repeat(64)],
  ['a key of another product', () => `sk_live_${'a'.repeat(40)}`],
  ['SQL', () => "trk_'--OR--1=1"],
];

function replaceAt(text: string, at: number): string {
  return `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;
}

/** Swaps the first two neighbours that differ. */
function swap(text: string): string {
  const at = [...text].findIndex((one, index) => index > 0 && one !== text[index - 1]);
  return `${text.slice(0, at - 1)}${text[at]}${text[at - 1]}${text.slice(at + 1)}`;
}

test(`${malformedKeys.length} kinds of bad keys are refused without a statement`, async () => {
  expect(malformedKeys.length).toBeGreaterThanOrEqual(20);
  const accepted: string[] = [];
  const before = await readChanges();
  const statements = await recordStatements(async () => {
    for (const [kind, make] of malformedKeys) {
      const answer = await codesWith(`Bearer ${make(key)}`, change);
      if (answer !== '401 UNAUTHENTICATED') accepted.push(`${kind}: ${answer}`);
    }
  });
  expect([accepted, statements]).toEqual([[], []]);
  expect(await codesWith(`Bearer ${createSecret()}`, change)).toBe('401 UNAUTHENTICATED');
  expect(await readChanges()).toEqual(before);
  expect(await codesWith(`Bearer ${key}`)).toBe('200 ');
});
