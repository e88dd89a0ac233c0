import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGateway, type TestGateway } from '../setup/gateway.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway?.close());

const uuid = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/;
const question = '{"query":"{ __typename }"}';

/** Bytes as no client library would send them, and all that comes back until the server closes. */
async function sendRaw(bytes: string): Promise<string> {
  const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
  socket.write(bytes);
  let answer = '';
  for await (const chunk of socket.setEncoding('utf8')) answer += chunk;
  return answer;
}

const post = (headers: Record<string, string>, body: BodyInit) =>
  fetch(`${gateway.url}/graphql`, { method: 'POST', headers, body });

async function messageOf(response: Response): Promise<string> {
  const { errors } = (await response.json()) as { errors: { message: string }[] };
  expect(errors).toHaveLength(1);
  return errors[0]?.message ?? '';
}

describe('the HTTP server', () => {
  test('leads from / to GraphQL, and says of other paths where that is', async () => {
    const root = await fetch(gateway.url, { redirect: 'manual' });
    expect({ status: root.status, location: root.headers.get('location') }).toEqual({
      status: 302,
      location: '/graphql',
    });
    for (const path of ['/nothing', '/graphql/', '//graphql', '/GRAPHQL', '/healthy']) {
      const response = await fetch(`${gateway.url}${path}`);
      expect(response.status, path).toBe(404);
      expect(await messageOf(response)).toBe(`There is nothing at ${path}; GraphQL is at /graphql`);
    }
  });

  test('is alive and ready', async () => {
    const health = await fetch(`${gateway.url}/health`);
    expect([health.status, await health.json()]).toEqual([200, { status: 'alive' }]);
    const ready = await fetch(`${gateway.url}/ready`);
    expect([ready.status, await ready.json()]).toEqual([
      200,
      {
        ready: true,
        checks: [
          { name: 'server', ok: true },
          { name: 'registry database', ok: true },
        ],
        writes: { ok: true },
        modulesNotReady: [],
      },
    ]);
    expect(ready.headers.get('cache-control')).toBe('no-store');
  });

  test.each([
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text/plain',
    'application/graphql',
    'application/jsonx',
    'text/plain; application/json',
  ])('refuses a post of %s, which a foreign page could send unasked', async (type) => {
    const response = await post({ 'content-type': type }, question);
    expect(response.status).toBe(415);
    expect(response.headers.get('accept-post')).toBe('application/json');
    expect(await messageOf(response)).toBe('Send the GraphQL request as application/json');
  });

  test.each(['application/json', 'application/json; charset=utf-8', 'APPLICATION/JSON'])(
    'takes a post of %s',
    async (type) => {
      const response = await post({ 'content-type': type }, question);
      expect(await response.json()).toEqual({ data: { __typename: 'Query' } });
    },
  );

  test.each(['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD'])('refuses %s', async (method) => {
    const response = await fetch(`${gateway.url}/graphql`, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, POST');
  });

  test.each([
    ['a body without an end', '{"query":'],
    ['no body', ''],
    ['null', 'null'],
    ['a number', '7'],
    ['a list', `[${question}]`],
    ['a query that is a number', '{"query":7}'],
    ['variables that are text', '{"query":"{ __typename }","variables":"x"}'],
    ['a document that ends early', '{"query":"{"}'],
    ['binary', '\u0000\u0001\ufffd'],
    ['a mutation by the name of none', '{"query":"query A { __typename }","operationName":"B"}'],
  ])('answers %s with a VALIDATION_ERROR', async (_what, body) => {
    const response = await post({ 'content-type': 'application/json' }, body);
    const answer = (await response.json()) as { errors: { extensions: { code: string } }[] };
    expect(answer.errors.map(({ extensions }) => extensions.code)).toEqual(['VALIDATION_ERROR']);
    expect(answer).not.toHaveProperty('data');
  });

  test('refuses what is too large as soon as it is, whether its length is announced or not', async () => {
    const announced = await post({ 'content-type': 'application/json' }, 'x'.repeat(1_000_001));
    expect(announced.status).toBe(413);
    expect(await messageOf(announced)).toBe('The request is larger than 1000000 bytes: ask in parts');
    const endless = await sendRaw(
      'POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n' +
        `transfer-encoding: chunked\r\n\r\nF4241\r\n${'x'.repeat(0xf4241)}\r\n`,
    );
    expect(endless).toMatch(/^HTTP\/1\.1 413 /);
  });

  test.each([
    ['no HTTP at all', 'GARBAGE\r\n\r\n', 400],
    ['HTTP/1.1 without a host', 'GET /health HTTP/1.1\r\n\r\n', 400],
    [
      'headers without an end',
      `GET /health HTTP/1.1\r\nhost: localhost\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`,
      431,
    ],
    [
      'another server’s address',
      'GET http://evil.example/graphql HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n',
      404,
    ],
  ])('answers %s and goes on', async (_what, bytes, status) => {
    expect(await sendRaw(bytes)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect((await fetch(`${gateway.url}/health`)).status).toBe(200);
  });

  test('gives each answer its request’s id: the given one, or a new one for what could not be logged', async () => {
    const idOf = async (given?: string) => {
      const response = await fetch(`${gateway.url}/health`, {
        headers: given ? { 'x-request-id': given } : {},
      });
      return response.headers.get('x-request-id');
    };
    for (const given of ['7', 'trace:0af7.651-916_cd', 'x'.repeat(128)])
      expect(await idOf(given)).toBe(given);
    for (const given of [undefined, 'a b', '{"x":1}', 'a"b', 'x'.repeat(129)])
      expect(await idOf(given)).toMatch(uuid);
    expect(await idOf()).not.toBe(await idOf());
  });
});

describe('without API keys', () => {
  const askAs = (host: string) =>
    sendRaw(
      `POST /graphql HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\nconnection: close\r\n` +
        `content-length: ${question.length}\r\n\r\n${question}`,
    );

  test.each([
    'localhost',
    'LOCALHOST:4000',
    '127.0.0.1',
    '127.0.0.1:4000',
    '127.9.9.9',
    '[::1]',
    '[::1]:4000',
  ])('a request for %s is served', async (host) => {
    expect(await askAs(host)).toMatch(/^HTTP\/1\.1 200 /);
  });

  test.each([
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '192.168.1.5',
    'localhost@evil',
  ])('a request for %s, as a page with a borrowed name sends it, is not', async (host) => {
    const answer = await askAs(host);
    expect(answer).toMatch(/^HTTP\/1\.1 421 /);
    expect(answer).toContain(`not the host \\"${host}\\"`);
    expect(answer).not.toContain('__typename');
  });

  test('a key that opens nothing is refused all the same', async () => {
    const response = await post(
      { 'content-type': 'application/json', authorization: 'Bearer trk_wrong' },
      question,
    );
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
  });
});
