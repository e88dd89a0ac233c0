import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { HttpError, requirePlainBody } from './request.js';

/** In bytes: 500 keys of tenantSchemas take 60 kB. */
const maxBodyBytes = 1_000_000;

/** Bytes of all bodies that are being received; slow clients could fill the memory with many of them. */
const maxBufferedBytes = 256_000_000;
let bufferedBytes = 0;

interface Receiving {
  request: IncomingMessage;
  response: ServerResponse;
}

type Done = (error: Error | undefined, body: string) => void;

/**
 * Reads the body; the caller is known by then. Calls back once: with the body, or with a refusal as soon as the body is
 * known to be too large. By events and not by a promise, which costs as much as the rest of a short request. The listeners
 * are the same for all requests: closures for each were 4 % of the memory that a short one allocates.
 */
export function onBody({ request, response }: Receiving, done: Done): void {
  const body = new Body(done);
  (request as Sender)[ofRequest] = body;
  request.on('data', onData);
  request.on('end', onEnd);
  try {
    requirePlainBody(request);
  } catch (error) {
    body.finish(error as Error, '');
  }
  // Without a listener for errors a client that goes away is no error, only the end.
  request.on('close', onClose);
  // It may be gone already: its caller was looked up before.
  if (request.destroyed) body.leave();
  else if (!body.isDone && request.headers.expect !== undefined) response.writeContinue();
}

const ofRequest = Symbol('body');

/** A request whose body is received. */
interface Sender extends IncomingMessage {
  [ofRequest]?: Body;
}

function onData(this: Sender, chunk: Buffer): void {
  this[ofRequest]?.take(chunk);
}

function onEnd(this: Sender): void {
  this[ofRequest]?.end();
}

function onClose(this: Sender): void {
  this[ofRequest]?.leave();
}

/** The part of a body that has arrived. */
class Body {
  readonly #done: Done;
  #chunks: Buffer[] = [];
  #size = 0;
  isDone = false;

  constructor(done: Done) {
    this.#done = done;
  }

  take(chunk: Buffer): void {
    // The rest of a refused body is read and dropped, or the client would not get to read why.
    if (this.isDone) return;
    this.#size += chunk.length;
    bufferedBytes += chunk.length;
    if (bufferedBytes > maxBufferedBytes) return void this.finish(overloaded(), '');
    if (this.#size <= maxBodyBytes) return void this.#chunks.push(chunk);
    const message = `The request is larger than ${maxBodyBytes} bytes: ask in parts`;
    this.finish(new HttpError(413, message, { connection: 'close' }), '');
  }

  end(): void {
    if (this.isDone) return;
    const [first] = this.#chunks;
    const body = first && this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks);
    // Decoding would replace bytes that are no UTF-8, and a text nobody sent would be stored.
    if (isUtf8(body)) this.finish(undefined, body.toString());
    else this.finish(new HttpError(400, 'The body is not valid UTF-8: encode the JSON as UTF-8'), '');
  }

  leave(): void {
    if (!this.isDone)
      this.finish(new HttpError(400, 'The client went away before its request was whole'), '');
  }

  finish(error: Error | undefined, body: string): void {
    if (this.isDone) return;
    this.isDone = true;
    bufferedBytes -= this.#size;
    this.#chunks = [];
    this.#done(error, body);
  }
}

function overloaded(): HttpError {
  return new HttpError(503, 'This gateway is receiving too many requests at once: ask again', {
    connection: 'close',
    'retry-after': '1',
  });
}

export function readBody(receiving: Receiving): Promise<string> {
  return new Promise((resolve, reject) => {
    onBody(receiving, (error, body) => (error ? reject(error) : resolve(body)));
  });
}
