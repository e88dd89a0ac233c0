import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { operator } from '../../src/auth/caller.js';
import { createTenantRegistry } from '../../src/client/index.js';
import { shippedDocuments } from '../../src/graphql/generated/shipped-documents.js';
import {
  addTrustedDocuments,
  documentIdOf,
  removeTrustedDocuments,
} from '../../src/registry/access/trusted-documents.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { aTenant } from '../setup/stories.js';

const registered = 'query Slugs($id: ID!) { tenant(id: $id) { slug } }';
const mutation =
  'mutation Suspend { suspendTenant(input: { tenantId: "nobody", reason: "x" }) { revision } }';
const subscription = 'subscription Follow { routesChanged { revision } }';
const both = `${subscription} query Modules { modules { name } }`;
const introspection = '{ __schema { queryType { name } } }';
const free = '{ modules { name } }';

let plain: TestGateway;
let strict: TestGateway;
let service: string;
let explorer: string;
beforeAll(async () => {
  plain = await openGateway();
  const texts = [registered, mutation, subscription, both, introspection];
  await addTrustedDocuments(plain.app.commandsFor(operator('test')), texts);
  strict = await openGateway({
    sharing: plain,
    authMode: 'required',
    config: { requiresTrustedDocuments: true, stalenessMs: 2_000 },
  });
  const scopes = ['resolve:*', 'registry:read', 'registry:write', 'usage:record'];
  service = await plain.createKey(...scopes);
  explorer = await plain.createKey(...scopes, 'documents:any');
});
afterAll(async () => {
  await strict?.close();
  await plain?.close();
});

interface Answer {
  status: number;
  codes: string[];
  text: string;
}

async function send(body: unknown, key: string, gateway = strict): Promise<Answer> {
  return await read(
    fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json, text/event-stream',
        authorization: `Bearer ${key}`,
      },
      body: JSON.stringify(body),
    }),
  );
}

async function get(parameters: Record<string, string>, key: string): Promise<Answer> {
  return await read(
    fetch(`${strict.url}/graphql?${new URLSearchParams(parameters)}`, {
      headers: {
        authorization: `Bearer ${key}`,
        accept: 'application/graphql-response+json, text/event-stream',
      },
    }),
  );
}

/** Of a stream only the status is read. */
async function read(sent: Promise<Response>): Promise<Answer> {
  const response = await sent;
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream');
  if (isStream) await response.body?.cancel();
  const text = isStream ? 'a stream' : await response.text();
  const codes = [...text.matchAll(/"code":"(\w+)"/g)].map(([, code = '']) => code);
  return { status: response.status, codes, text };
}

const refused = { status: 403, codes: ['DOCUMENT_NOT_REGISTERED'] };
const id = documentIdOf(registered);
const variables = { id: '00000000-0000-4000-8000-000000000000' };

describe('with TRUSTED_DOCUMENTS=required, a key without documents:any', () => {
  test.each([
    ['the id', { documentId: id, variables }],
    ['the id with its algorithm', { documentId: `sha256:${id}`, variables }],
    ['the id in upper case', { documentId: id.toUpperCase(), variables }],
    [
      'the id as Apollo sends it',
      { extensions: { persistedQuery: { version: 1, sha256Hash: id } }, variables },
    ],
    ['the text', { query: registered, variables }],
    ['the text with blanks around it', { query: `\n  ${registered}\n`, variables }],
    ['the id of a mutation', { documentId: documentIdOf(mutation) }],
  ])('may send %s of a registered document', async (_form, body) => {
    const { codes } = await send(body, service);
    expect(codes.filter((code) => code !== 'TENANT_NOT_FOUND')).toEqual([]);
  });

  test.each([
    ['another text', { query: free }],
    ['a registered text with a comment', { query: `${registered} # x` }],
    [
      'a registered text with another operation',
      { query: `${registered} query Other ${free}`, operationName: 'Other' },
    ],
    ['a text beside the id of another', { query: free, documentId: id }],
    ['an unknown id', { documentId: documentIdOf(free) }],
    ['an id that is no hash', { documentId: 'Slugs' }],
    ['the property of every object as id', { documentId: '__proto__' }],
    ['a subscription', { query: 'subscription { routesChanged { revision type } }' }],
    ['a document that does not parse', { query: '{' }],
    ['an unknown parameter', { query: free, doc_id: id }],
    ['extensions that are a list', { query: free, extensions: [] }],
    ['a list of requests', [{ query: free }]],
    ['nothing', {}],
  ])('may not send %s', async (_form, body) => {
    expect(await send(body, service)).toMatchObject(refused);
  });

  test('is held to the same by GET', async () => {
    expect(await get({ query: free }, service)).toMatchObject(refused);
    expect(await get({ documentId: documentIdOf(free) }, service)).toMatchObject(refused);
    const answered = await get({ documentId: id, variables: JSON.stringify(variables) }, service);
    expect(answered.text).toContain('"tenant":null');
    expect((await get({ documentId: documentIdOf(mutation) }, service)).status).toBe(405);
  });

  test('opens streams by id and by text', async () => {
    const streamId = documentIdOf(subscription);
    expect(await send({ documentId: streamId }, service)).toMatchObject({ status: 200, text: 'a stream' });
    expect(await send({ query: subscription }, service)).toMatchObject({ status: 200, text: 'a stream' });
    expect(await get({ documentId: streamId }, service)).toMatchObject({ status: 200, text: 'a stream' });
    const named = { documentId: documentIdOf(both), operationName: 'Follow' };
    expect(await send(named, service)).toMatchObject({ status: 200, text: 'a stream' });
    expect(await get(named, service)).toMatchObject({ status: 200, text: 'a stream' });
  });

  test('needs schema:read for a registered document that asks for the schema', async () => {
    expect((await send({ documentId: documentIdOf(introspection) }, service)).codes).toEqual(['FORBIDDEN']);
    const reader = await plain.createKey('schema:read');
    expect((await send({ documentId: documentIdOf(introspection) }, reader)).codes).toEqual([]);
    expect(await send({ query: `${introspection} # mine` }, reader)).toMatchObject(refused);
  });

  test('may still use REST and /lease, which have no documents', async () => {
    const headers = { authorization: `Bearer ${service}`, 'content-type': 'application/json' };
    expect((await fetch(`${strict.url}/api/tenants`, { headers })).status).toBe(200);
    const body = JSON.stringify({ client: variables.id });
    expect((await fetch(`${strict.url}/lease`, { method: 'POST', headers, body })).status).toBe(200);
  });
});

test('a key with documents:any, and every key where nothing is required, sends any document, and ids too', async () => {
  for (const [key, gateway] of [
    [explorer, strict],
    [service, plain],
  ] as const) {
    expect((await send({ query: free }, key, gateway)).codes).toEqual([]);
    expect((await send({ documentId: id, variables }, key, gateway)).codes).toEqual([]);
    expect(await send({ documentId: documentIdOf('{ x }') }, key, gateway)).toMatchObject(refused);
  }
});

test('every gateway follows what is added and removed, without a restart', async () => {
  const added = 'query Added { modules { name } }';
  const sent = () => send({ documentId: documentIdOf(added) }, service).then(({ codes }) => codes);
  expect(await sent()).toEqual(['DOCUMENT_NOT_REGISTERED']);
  const context = plain.app.commandsFor(operator('test'));
  expect(await addTrustedDocuments(context, [added, registered])).toBe(1);
  await expect.poll(sent, { timeout: 10_000 }).toEqual([]);
  expect(await removeTrustedDocuments(context, [documentIdOf(added)])).toEqual([documentIdOf(added)]);
  await expect.poll(sent, { timeout: 10_000 }).toEqual(['DOCUMENT_NOT_REGISTERED']);
});

test('the registry refuses an id that is not the hash of its text', async () => {
  await expect(
    plain.psql(`INSERT INTO trusted_documents (id, body) VALUES ($1, $2)`, [id.replace(/^./, 'x'), free]),
  ).rejects.toMatchObject({ constraint: 'trusted_documents_id_is_hash' });
});

describe('the client package', () => {
  const folder = join(import.meta.dirname, '../../src/client');
  const texts = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.startsWith('generated'))
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('\n');
  const documents = [...texts.matchAll(/`\s*(?:query|mutation|subscription) \w+[^`]*`/g)].map(([all]) =>
    all.slice(1, -1),
  );

  test('sends no document that is not shipped as registered', () => {
    expect(documents.length).toBeGreaterThan(3);
    for (const document of documents) expect(shippedDocuments).toContain(document);
  });

  test('works with a key that may send registered documents only', async () => {
    const acme = await aTenant().subscribedTo('finance').at(plain);
    const records = [{ tenantId: acme.id, metric: 'USERS', amount: 1 }];
    for (const query of documents) {
      const { codes } = await send(
        { query, variables: { keys: [], withConfig: false, id: acme.id, module: 'finance', records } },
        service,
      );
      expect(codes).toEqual([]);
    }
    const registry = createTenantRegistry({ url: strict.url, apiKey: service, module: 'finance' });
    try {
      expect((await registry.resolve(acme.slug)).tenantId).toBe(acme.id);
    } finally {
      await registry.close();
    }
  });
});
