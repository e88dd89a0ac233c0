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

/**
 * Reads the body; the caller is known by then. Calls back once: with the body, or with a refusal as soon as the body is known to be too large. By events and not by a
 * promise, which costs as much as the rest of a short request.
 */
export function onBody(
  { request, response }: Receiving,
  done: (error: Error | undefined, body: string) => void,
): void {
  let chunks: Buffer[] = [];
  let size = 0;
  let isDone = false;
  const finish = (error: Error | undefined, body: string) => {
    if (isDone) return;
    isDone = true;
    bufferedBytes -= size;
    chunks = [];
    done(error, body);
  };
  const leave = () => {
    if (!isDone) finish(new HttpError(400, 'The client went away before its request was whole'), '');
  };

  request.on('data', (chunk: Buffer) => {
    // The rest of a refused body is read and dropped, or the client would not get to read why.
    if (isDone) return;
    size += chunk.length;
    bufferedBytes += chunk.length;
    if (bufferedBytes > maxBufferedBytes) return finish(overloaded(), '');
    if (size <= maxBodyBytes) return void chunks.push(chunk);
    const message = `The request is larger than ${maxBodyBytes} bytes: ask in parts`;
    finish(new HttpError(413, message, { connection: 'close' }), '');
  });
  request.on('end', () => {
    if (isDone) return;
    const [first] = chunks;
    const body = first && chunks.length === 1 ? first : Buffer.concat(chunks);
    // Decoding would replace bytes that are no UTF-8, and a text nobody sent would be stored.
    if (isUtf8(body)) finish(undefined, body.toString());
    else finish(new HttpError(400, 'The body is not valid UTF-8: encode the JSON as UTF-8'), '');
  });
  try {
    requirePlainBody(request);
  } catch (error) {
    finish(error as Error, '');
  }
  // Without a listener for errors a client that goes away is no error, only the end.
  request.on('close', leave);
  // It may be gone already: its caller was looked up before.
  if (request.destroyed) leave();
  else if (!isDone && request.headers.expect !== undefined) response.writeContinue();
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
