import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { sendFailure } from '../../src/server/answers/failure.js';

/** A request that has arrived and is not answered yet, its client's socket, and the messages that are logged. */
async function aRequest() {
  const logged: string[] = [];
  const log = pino({}, { write: (line) => logged.push(JSON.parse(line).msg) });
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  onTestFinished(() => {
    socket.destroy();
    server.close();
  });
  socket.write('GET /api/tenants HTTP/1.1\r\nhost: localhost\r\n\r\n');
  const [, response] = (await once(server, 'request')) as [unknown, ServerResponse];
  const fail = (error: unknown) =>
    sendFailure(response, error, { path: '/api/tenants', requestId: 'one', log });
  return { socket, response, logged, fail };
}

/** How a request is failed whose client goes away while it is worked on: status for the log, and what was logged. */
async function failAbandoned(work: (gone: AbortSignal) => Promise<unknown>) {
  const { socket, response, logged, fail } = await aRequest();
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const working = work(gone.signal);
  socket.destroy();
  const error = await working.catch((reason) => reason);
  if (!response.destroyed) await once(response, 'close');
  await fail(error);
  return { status: response.statusCode, logged };
}

test('work that is given up because its client is gone is no error', async () => {
  const given = await failAbandoned((signal) => delay(60_000, undefined, { signal }));
  expect(given).toEqual({ status: 499, logged: [] });
});

test('what fails for another reason is told of, also when nobody waits for it any more', async () => {
  const failed = await failAbandoned(async () => {
    throw new Error('nobody expected that');
  });
  expect(failed).toEqual({ status: 500, logged: ['unexpected error'] });
});

test.each<[string, (parts: { socket: Socket; body: Readable }) => unknown, string[]]>([
  ['because its client is gone, which is no error', ({ socket }) => socket.destroy(), []],
  [
    'for another reason, which is told of',
    ({ body }) => body.destroy(new Error('nobody expected that')),
    ['an answer broke off'],
  ],
])('half an answer breaks off %s', async (_why, breakOff, told) => {
  const { socket, response, logged, fail } = await aRequest();
  const body = new Readable({ read: () => undefined });
  body.push('[{}, ');
  const sending = pipeline(body, response).catch((error) => error);
  await once(socket, 'data');
  breakOff({ socket, body });
  await fail(await sending);
  expect(logged).toEqual(told);
  expect(response.destroyed).toBe(true);
});
