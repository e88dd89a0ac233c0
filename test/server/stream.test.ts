import type { ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { GraphQLError } from 'graphql';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { StreamPiece } from '../../src/graphql/streams/event-frames.js';
import { type StreamForm, streamFormFor } from '../../src/graphql/streams/stream-form.js';
import { sendEvents } from '../../src/server/answers/stream.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
afterEach(() => void vi.useRealTimers());

const eventStream = streamFormFor('text/event-stream') as StreamForm;
const multipart = streamFormFor('multipart/mixed;subscriptionSpec=1.0, application/json') as StreamForm;

/** Events that a test gives one by one, and a connection whose other end it reads. */
function openStream(form = eventStream) {
  const response = new PassThrough({ highWaterMark: 1_000 });
  const asked: ((result: IteratorResult<StreamPiece>) => void)[] = [];
  let isReturned = false;
  const events: AsyncIterator<StreamPiece> = {
    next: () => new Promise((resolve) => void asked.push(resolve)),
    async return() {
      isReturned = true;
      for (const answer of asked.splice(0)) answer({ done: true, value: undefined });
      return { done: true, value: undefined };
    },
  };
  let turns = 0;
  const turn = async () => void turns++;
  // Of a response only the stream is used.
  const sent = sendEvents(events, response as unknown as ServerResponse, { form, ended: undefined, turn });
  const give = async (result: IteratorResult<StreamPiece>) => {
    await expect.poll(() => asked.length).toBe(1);
    asked.pop()?.(result);
  };
  return {
    response,
    sent,
    give: (value: StreamPiece) => give({ done: false, value }),
    complete: () => give({ done: true, value: undefined }),
    read: () => String(response.read() ?? ''),
    isAsked: () => asked.length > 0,
    isReturned: () => isReturned,
    turns: () => turns,
  };
}

const frames = (text: string) => Buffer.from(text);

describe('a stream', () => {
  test('is what was made, then the end; and a result becomes a frame, with a turn after it', async () => {
    const stream = openStream();
    await stream.give(frames('event: next\ndata: 1\n\n'));
    expect(stream.turns()).toBe(0);
    await stream.give({ data: { a: 1 } });
    await stream.complete();
    await stream.sent;
    expect(stream.turns()).toBe(1);
    expect(stream.read()).toBe(
      ':\n\nevent: next\ndata: 1\n\nevent: next\ndata: {"data":{"a":1}}\n\nevent: complete\ndata:\n\n',
    );
  });

  test('as multipart has one part per event, each with its boundary behind it, and an error without data in the place of Apollo', async () => {
    const stream = openStream(multipart);
    const part = (json: string) => `\r\ncontent-type: application/json\r\n\r\n${json}\r\n--graphql`;
    await stream.give(
      frames('event: next\ndata: {"data":{"a":"1\\n\\n2"}}\n\nevent: next\ndata: {"data":{"a":"3"}}\n\n'),
    );
    vi.advanceTimersByTime(12_000);
    await stream.give({ data: { a: null }, errors: [new GraphQLError('half')] });
    await stream.give({ errors: [new GraphQLError('all')] });
    await stream.complete();
    await stream.sent;
    expect(stream.read()).toBe(
      `\r\n--graphql${part('{"payload":{"data":{"a":"1\\n\\n2"}}}')}${part('{"payload":{"data":{"a":"3"}}}')}${part('{}')}` +
        part('{"payload":{"data":{"a":null},"errors":[{"message":"half"}]}}') +
        `${part('{"payload":null,"errors":[{"message":"all"}]}')}--\r\n`,
    );
  });

  test.each([
    ['text/event-stream', 'text/event-stream'],
    ['application/json, text/event-stream', 'text/event-stream'],
    ['text/event-stream, multipart/mixed;subscriptionSpec=1.0', 'text/event-stream'],
    ['multipart/mixed;boundary="graphql";subscriptionSpec=1.0,application/json', 'multipart/mixed'],
    ['multipart/mixed; boundary=graphql; subscriptionSpec="1.0", application/json', 'multipart/mixed'],
    ['Multipart/Mixed;subscriptionspec=1.0', 'multipart/mixed'],
    ['multipart/mixed;deferSpec=20220824,application/json', undefined],
    ['multipart/mixed', undefined],
    ['application/json;subscriptionSpec=1.0', undefined],
    ['multipart/mixed, application/json;subscriptionSpec=1.0', undefined],
    ['*/*', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('for "Accept: %s" is %s', (accept, type) => {
    expect(streamFormFor(accept)?.headers['content-type']?.split(';')[0]).toBe(type);
  });

  test('that is quiet sends a comment every 12 seconds, and none when it is over', async () => {
    const stream = openStream();
    vi.advanceTimersByTime(24_000);
    expect(stream.read()).toBe(':\n\n:\n\n:\n\n');
    await stream.complete();
    await stream.sent;
    expect(vi.getTimerCount()).toBe(0);
  });

  test('asks for nothing, and sends no comments, while its client does not read', async () => {
    const stream = openStream();
    await stream.give(frames('x'.repeat(5_000)));
    vi.advanceTimersByTime(60_000);
    await new Promise((wake) => setImmediate(wake));
    expect(stream.isAsked()).toBe(false);
    expect(stream.read()).toBe(`:\n\n${'x'.repeat(5_000)}`);
    await expect.poll(stream.isAsked).toBe(true);
    await stream.complete();
    await stream.sent;
  });

  test.each([
    ['waits for an event', async () => undefined],
    ['does not read', ({ give }: ReturnType<typeof openStream>) => give(frames('x'.repeat(5_000)))],
  ])('whose client leaves while it %s ends at the source', async (_when, before) => {
    const stream = openStream();
    await before(stream);
    stream.response.destroy();
    await stream.sent;
    expect(stream.isReturned()).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('that fails is cut, and its error is not lost', async () => {
    const response = new PassThrough();
    const events = { next: () => Promise.reject(new Error('the log cannot be read')) };
    const turn = async () => undefined;
    const options = { form: eventStream, ended: undefined, turn };
    const sent = sendEvents(events, response as unknown as ServerResponse, options);
    await expect(sent).rejects.toThrow('the log cannot be read');
    expect(vi.getTimerCount()).toBe(0);
  });
});
