import { request } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openServer, type Server } from '../../src/server/server.js';
import { openGateway, recordStatements, type TestGateway } from '../setup/gateway.js';

/** Requests that a page of another site, or a client with ambiguous HTTP, sends to a gateway. */
let open: TestGateway;
let keyed: TestGateway;
let administered: Server;
let key: string;
beforeAll(async () => {
  open = await openGateway();
  keyed = await openGateway({ sharing: open, authMode: 'required' });
  administered = await openServer({ ...keyed.app, config: { ...keyed.app.config, adminPort: 0 } });
  key = await keyed.createKey('registry:write', 'provision', 'resolve:*');
});
afterAll(async () => {
  await administered?.close();
  await keyed?.close();
  await open?.close();
});

const portOf = (url: string) => Number(new URL(url).port);

/** Sends bytes as they are; returns everything that comes until the server closes. */
async function sendRaw(url: string, bytes: string | Buffer): Promise<string> {
  const socket = connect(portOf(url), '127.0.0.1');
  socket.write(bytes);
  let answer = '';
  for await (const chunk of socket.setEncoding('utf8')) answer += chunk;
  return answer;
}

/** A request with headers that fetch would not let through. */
function send(
  url: string,
  options: { method?: string; headers: Record<string, string>; body?: string | Buffer },
): Promise<{ status: number; headers: Record<string, unknown>; text: string }> {
  return new Promise((resolve, reject) => {
    const { method = 'GET', headers, body } = options;
    const sent = request(url, { method, headers }, async (response) => {
      const text = Buffer.concat(await response.toArray()).toString();
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const paths = [
  '/',
  '/graphql',
  '/lease',
  '/health',
  '/ready',
  '/startup',
  '/metrics',
  '/api/tenants',
  '/nothing',
];
const mutation = JSON.stringify({
  query: 'mutation { registerTenant(input: { name: "Forged", slug: "forged" }) { revision } }',
});
const countForged = async () =>
  (await open.psql<{ n: number }>(`SELECT count(*)::int AS n FROM tenants WHERE name = 'Forged'`))[0]?.n;

describe('without API keys', () => {
  test.each(paths)('%s is not served under another name', async (path) => {
    const { status, text } = await send(`${open.url}${path}`, { headers: { host: 'evil.example' } });
    expect(status).toBe(421);
    expect(text).toContain('use localhost');
  });

  test.each([
    ['an Origin of another site', { origin: 'https://evil.example' }],
    ['an opaque Origin', { origin: 'null' }],
    ['the Origin of another port', { origin: 'http://127.0.0.1:1' }],
    ['Sec-Fetch-Site cross-site', { 'sec-fetch-site': 'cross-site' }],
    ['Sec-Fetch-Site same-site', { 'sec-fetch-site': 'same-site' }],
    ['an unknown Sec-Fetch-Site', { 'sec-fetch-site': 'elsewhere' }],
    [
      'a frame in another page',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
    ],
  ])('%s is refused on every path', async (_form, headers: Record<string, string>) => {
    for (const path of paths) {
      const { status, text } = await send(`${open.url}${path}`, { headers });
      expect(status, path).toBe(403);
      expect(text).toContain('set AUTH_MODE=required');
    }
    const posted = await send(`${open.url}/graphql`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: mutation,
    });
    expect(posted.status).toBe(403);
    expect(await countForged()).toBe(0);
  });

  test.each([
    ['no browser', {}],
    ['its own page', { origin: 'OWN', 'sec-fetch-site': 'same-origin' }],
    ['the address line', { 'sec-fetch-site': 'none' }],
    [
      'a link',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
    ],
  ])('%s is served', async (_form, given: Record<string, string>) => {
    const headers = given.origin ? { ...given, origin: open.url } : given;
    const { status } = await send(`${open.url}/graphql?query={__typename}`, { headers });
    expect(status).toBe(200);
  });
});

describe('with API keys', () => {
  test('a browser’s Origin changes nothing: a foreign page has no key', async () => {
    const { status } = await send(`${keyed.url}/health`, { headers: { origin: 'https://evil.example' } });
    expect(status).toBe(200);
    const { headers } = await send(`${keyed.url}/health`, { headers: { host: 'registry.example' } });
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });
});

test('every answer says nosniff', async () => {
  for (const path of paths) {
    const { headers } = await send(`${keyed.url}${path}`, {
      headers: { accept: 'text/html', authorization: `Bearer ${key}` },
    });
    expect(headers['x-content-type-options'], path).toBe('nosniff');
  }
  const answered = await keyed.ask('{ __typename }', {}, { key });
  expect(answered.headers.get('x-content-type-options')).toBe('nosniff');
  const wrong = await keyed.ask('subscription { nothing }', {}, { key });
  expect(wrong.headers.get('x-content-type-options')).toBe('nosniff');
});

describe('ambiguous requests', () => {
  const body = mutation;
  const head = `POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer KEY\r\n`;
  const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  test.each([
    ['two Host headers', `${head}Host: evil.example\r\nContent-Length: ${body.length}\r\n\r\n${body}`],
    ['no Host', `${head.replace('Host: localhost\r\n', '')}Content-Length: ${body.length}\r\n\r\n${body}`],
    [
      'no Host in HTTP/1.0',
      `${head.replace('Host: localhost\r\n', '').replace('1.1', '1.0')}Content-Length: ${body.length}\r\n\r\n${body}`,
    ],
    [
      'two Authorization headers',
      `${head}Authorization: Bearer other\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    ],
    [
      'Transfer-Encoding and Content-Length',
      `${head}Content-Length: ${body.length}\r\nTransfer-Encoding: chunked\r\n\r\n${chunked}`,
    ],
    [
      'Content-Length and Transfer-Encoding',
      `${head}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n${chunked}`,
    ],
    ['two Content-Length', `${head}Content-Length: ${body.length}\r\nContent-Length: 0\r\n\r\n${body}`],
    ['a Content-Length list', `${head}Content-Length: ${body.length}, ${body.length}\r\n\r\n${body}`],
    ['a signed Content-Length', `${head}Content-Length: +${body.length}\r\n\r\n${body}`],
    ['a hexadecimal Content-Length', `${head}Content-Length: 0x${body.length.toString(16)}\r\n\r\n${body}`],
    ['chunked twice', `${head}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n${chunked}`],
    ['an unknown Transfer-Encoding', `${head}Transfer-Encoding: xchunked\r\n\r\n${chunked}`],
    ['chunked that is not last', `${head}Transfer-Encoding: chunked, gzip\r\n\r\n${chunked}`],
    ['a blank before the colon', `${head}Transfer-Encoding : chunked\r\n\r\n${chunked}`],
    ['a folded header', `${head}X-Note: a\r\n b\r\nContent-Length: ${body.length}\r\n\r\n${body}`],
    ['a header line that begins with a blank', `${head} Content-Length: ${body.length}\r\n\r\n${body}`],
    ['line ends without CR', `${head.replaceAll('\r\n', '\n')}Content-Length: ${body.length}\n\n${body}`],
    ['a lone CR in a header', `${head}X-Note: a\rContent-Length: ${body.length}\r\n\r\n${body}`],
    ['NUL in a header', `${head}X-Note: a\0b\r\nContent-Length: ${body.length}\r\n\r\n${body}`],
    ['NUL in a name', `${head}X\0Note: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`],
    ['a chunk size with a sign', `${head}Transfer-Encoding: chunked\r\n\r\n-1\r\n${body}\r\n0\r\n\r\n`],
    [
      'a chunk size that overflows',
      `${head}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n${body}\r\n0\r\n\r\n`,
    ],
    [
      'a chunk that is longer than its size',
      `${head}Transfer-Encoding: chunked\r\n\r\n5\r\n${body}\r\n0\r\n\r\n`,
    ],
    ['HTTP/9.9 in the request line', `${head.replace('HTTP/1.1', 'HTTP/9.9')}\r\n`],
    ['a blank in the path', head.replace('/graphql', '/graphql /x')],
  ])('%s: 400, nothing is executed, and the connection closes', async (_form, bytes) => {
    const answer = await sendRaw(keyed.url, bytes.replace('KEY', key));
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(await countForged()).toBe(0);
  });

  const types = [
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text/plain',
    'text/plain; charset=UTF-8; application/json',
    'application/graphql',
    'application/jsonp',
    'application/json+x',
    'text/json',
    '',
  ];
  test.each(['POST', 'PUT', 'GET'])('%s with 9 content types changes nothing', async (method) => {
    for (const type of types)
      for (const path of ['/graphql', '/api/tenants', '/lease']) {
        const content = path === '/graphql' ? mutation : JSON.stringify({ name: 'Forged', slug: 'forged' });
        const { status } = await send(`${keyed.url}${path}`, {
          method,
          headers: { authorization: `Bearer ${key}`, ...(type && { 'content-type': type }) },
          body: content,
        });
        expect(status, `${path} ${type}`).toBeGreaterThanOrEqual(400);
      }
    expect(await countForged()).toBe(0);
  });

  test.each(['gzip', 'br', 'deflate', 'x-unknown', 'gzip, identity'])(
    'a body in %s is 415',
    async (encoding) => {
      for (const path of ['/graphql', '/api/tenants', '/lease']) {
        const { status } = await send(`${keyed.url}${path}`, {
          method: 'POST',
          headers: {
            authorization: `Bearer ${key}`,
            'content-type': 'application/json',
            'content-encoding': encoding,
          },
          body: mutation,
        });
        expect(status, path).toBe(415);
      }
    },
  );
});

describe('a body of 5 MB with a wrong key', () => {
  const head = (path: string, length: string) =>
    `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer trk_wrong\r\n${length}\r\n`;

  test.each(['/graphql', '/api/tenants', '/lease'])('%s refuses it before it is sent', async (path) => {
    for (const length of ['Content-Length: 5000000\r\n', 'Transfer-Encoding: chunked\r\n']) {
      // Nothing of the body is ever sent: a gateway that waited for it would not answer.
      const answer = await sendRaw(keyed.url, head(path, length));
      expect(answer).toMatch(/^HTTP\/1\.1 401 /);
      expect(answer).toMatch(/\r\nconnection: close\r\n/i);
      expect(answer).toContain('UNAUTHENTICATED');
    }
  });

  test('the client that sends it all the same reads the answer', async () => {
    const response = await fetch(`${keyed.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer trk_wrong' },
      body: 'x'.repeat(5_000_000),
    });
    expect(response.status).toBe(401);
  });

  test('a client that waits for "100 Continue" does not get it, and with a key it does', async () => {
    const waiting = 'Content-Length: 5000000\r\nExpect: 100-continue\r\n';
    const refused = await sendRaw(keyed.url, head('/graphql', waiting));
    expect(refused).toMatch(/^HTTP\/1\.1 401 /);
    const answer = await new Promise<{ continued: boolean; status: number | undefined }>(
      (resolve, reject) => {
        let continued = false;
        const sent = request(
          `${keyed.url}/graphql`,
          {
            method: 'POST',
            headers: {
              authorization: `Bearer ${key}`,
              'content-type': 'application/json',
              expect: '100-continue',
            },
          },
          (response) => {
            response.resume();
            resolve({ continued, status: response.statusCode });
          },
        );
        sent.on('error', reject);
        sent.on('continue', () => {
          continued = true;
          sent.end('{"query":"{ __typename }"}');
        });
        sent.flushHeaders();
      },
    );
    expect(answer).toEqual({ continued: true, status: 200 });
  });
});

describe('with ADMIN_PORT', () => {
  const statusAt = async (url: string | undefined, path: string) => (await fetch(`${url}${path}`)).status;

  test('metrics and the checks of /ready are only there', async () => {
    expect(await statusAt(administered.url, '/metrics')).toBe(404);
    expect(await statusAt(administered.adminUrl, '/metrics')).toBe(200);
    const ready = await fetch(`${administered.url}/ready`);
    expect([ready.status, await ready.json()]).toEqual([200, { ready: true }]);
    // Anybody may ask, so no more is read than is answered.
    const asked = await recordStatements(() => fetch(`${administered.url}/ready`));
    expect(asked).toEqual([expect.stringContaining('FROM registry_head')]);
    const detailed = (await (await fetch(`${administered.adminUrl}/ready`)).json()) as { checks: object[] };
    expect(detailed.checks).toHaveLength(4);
    expect(await statusAt(administered.url, '/health')).toBe(200);
  });

  test('nothing else is there', async () => {
    for (const path of ['/', '/graphql', '/lease', '/api/tenants', '/nothing'])
      expect(await statusAt(administered.adminUrl, path), path).toBe(404);
    expect(
      await sendRaw(administered.adminUrl ?? '', 'GET /metrics HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'),
    ).toMatch(/^HTTP\/1\.1 400 /);
  });
});
