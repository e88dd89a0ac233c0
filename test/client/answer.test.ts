import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { statusByCode } from '../../src/client/error.js';
import {
  createTenantRegistry,
  TenantRegistryError,
  type TenantRegistryErrorCode,
} from '../../src/client/index.js';

const registry = createTenantRegistry({ url: 'http://127.0.0.1:1', module: 'finance', hints: false });
afterAll(() => registry.close());

const codes = Object.keys(statusByCode) as TenantRegistryErrorCode[];
const secrets = /10\.0\.0\.7|trk_|finance_acme|unpaid|at .*\.ts/;
const message = 'http://10.0.0.7:4000 refused trk_1 for "finance_acme": unpaid';

/** Codes that say something about the end user's tenant. */
const told: Partial<Record<TenantRegistryErrorCode, number>> = {
  TENANT_NOT_FOUND: 404,
  TENANT_SUSPENDED: 403,
  TENANT_DELETED: 410,
  TENANT_NOT_READY: 503,
  MODULE_NOT_SUBSCRIBED: 403,
  SCHEMA_MIGRATING: 503,
  SCHEMA_BEHIND: 503,
  ROUTE_STALE: 409,
  TENANT_MISMATCH: 403,
};
const outages = [
  'REGISTRY_UNAVAILABLE',
  'REVISION_NOT_REACHED',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'RATE_LIMITED',
  'MODULE_NOT_FOUND',
];

function read(error: unknown) {
  const { status, headers, body } = registry.answerTo(error);
  expect(headers).toMatchObject({
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
  });
  expect(body).not.toMatch(secrets);
  const { error: shown } = JSON.parse(body) as { error: { code: string; message: string } };
  return { status, retryAfter: headers['retry-after'], ...shown };
}

test.each(codes)('the answer to an end user says nothing of the message of %s', (code) => {
  const answer = read(new TenantRegistryError(code, message, { cause: new Error(message) }));
  const status = told[code];
  if (status !== undefined) expect(answer).toMatchObject({ status, code });
  else if (outages.includes(code))
    expect(answer).toMatchObject({ status: 503, code: 'REGISTRY_UNAVAILABLE', retryAfter: '1' });
  // The service has asked for something wrong, which the end user cannot mend.
  else expect(answer).toMatchObject({ status: 500, code: 'INTERNAL_SERVER_ERROR' });
});

const withStatus = (fields: object) => Object.assign(new Error(message), fields);

test.each<[what: string, error: unknown, expected: object]>([
  [
    'an error',
    new Error(message),
    { status: 500, code: 'INTERNAL_SERVER_ERROR', message: 'An unexpected error occurred' },
  ],
  ['an error of a database', withStatus({ code: '42P01' }), { status: 500 }],
  ['a text', message, { status: 500 }],
  ['undefined', undefined, { status: 500 }],
  ['null', null, { status: 500 }],
  ['an error with status 502', withStatus({ status: 502 }), { status: 500 }],
  ['an error with a status that is none', withStatus({ status: 4040 }), { status: 500 }],
  [
    'an error with status 404',
    withStatus({ status: 404 }),
    { status: 404, code: 'NOT_FOUND', message: 'Not Found' },
  ],
  [
    'an error of http-errors that may be shown',
    Object.assign(new Error('request entity too large'), { status: 413, expose: true }),
    { status: 413, code: 'PAYLOAD_TOO_LARGE', message: 'request entity too large' },
  ],
])('the answer to %s', (_what, error, expected) => {
  expect(read(error)).toMatchObject(expected);
});

describe('errorHandler', () => {
  const respond = (headersSent: boolean) => {
    const calls: unknown[] = [];
    const response = {
      headersSent,
      removeHeader: () => undefined,
      writeHead: (status: number) => calls.push(status),
      end: (body: string) => calls.push(JSON.parse(body).error.code),
    };
    return { calls, response, next: (error?: unknown) => calls.push(error) };
  };
  const unexpected = new Error(message);

  test('answers in full although the handler had announced another body', async () => {
    const handle = registry.errorHandler({ log: () => undefined });
    const server = createServer((request, response) => {
      response.setHeader('content-length', 5);
      response.setHeader('content-encoding', 'gzip');
      response.setHeader('x-request-id', '7');
      handle(unexpected, request, response, () => undefined);
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const answer = await fetch(`http://127.0.0.1:${port}`);
    expect(answer.headers.get('x-request-id')).toBe('7');
    expect(await answer.json()).toMatchObject({ error: { code: 'INTERNAL_SERVER_ERROR' } });
  });

  test('has the four parameters by which Express knows it', () => {
    expect(registry.errorHandler()).toHaveLength(4);
  });

  test.each<[what: string, error: unknown, headersSent: boolean, calls: unknown[], logged: unknown[]]>([
    ['answers and logs an unexpected error', unexpected, false, [500, 'INTERNAL_SERVER_ERROR'], [unexpected]],
    ['leaves a response that has begun to Express', unexpected, true, [unexpected], [unexpected]],
    [
      'does not log a refusal',
      new TenantRegistryError('TENANT_DELETED', message),
      false,
      [410, 'TENANT_DELETED'],
      [],
    ],
    [
      'does not log an outage',
      new TenantRegistryError('REGISTRY_UNAVAILABLE', message),
      false,
      [503, 'REGISTRY_UNAVAILABLE'],
      [],
    ],
    [
      'does not log a fault of the end user',
      Object.assign(new Error('?'), { status: 400 }),
      false,
      [400, 'BAD_REQUEST'],
      [],
    ],
  ])('%s', (_what, error, headersSent, expected, logged) => {
    const log: unknown[] = [];
    const { calls, response, next } = respond(headersSent);
    registry.errorHandler({ log: (one) => log.push(one) })(error, {}, response, next);
    expect([calls, log]).toEqual([expected, logged]);
  });

  test('prints on standard error where no log is given', () => {
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    onTestFinished(() => write.mockRestore());
    const { response, next } = respond(false);
    registry.errorHandler()(unexpected, {}, response, next);
    expect(write.mock.calls.join()).toContain(message);
  });
});

test('the time to wait is that of the error', () => {
  expect(read(new TenantRegistryError('RATE_LIMITED', message, { retryAfter: 7 })).retryAfter).toBe('7');
});
