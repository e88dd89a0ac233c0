import type { ExecutionResult } from 'graphql';
import { readsEvents } from '../result.js';
import { completeFrame, eventFrame, isFrames, keepAliveFrame, type StreamPiece } from './event-frames.js';

/** How the events of a subscription are written to a connection. */
export interface StreamForm {
  headers: Readonly<Record<string, string>>;
  /** The first bytes. */
  opening: string;
  /** Keeps the connection of a quiet stream open. */
  keepAlive: string;
  complete: string;
  write(piece: StreamPiece): string | Uint8Array;
}

const headers = {
  connection: 'keep-alive',
  'cache-control': 'no-cache',
  'content-encoding': 'none',
  // nginx would keep events until its buffer is full.
  'x-accel-buffering': 'no',
};

/** Server-Sent Events, as the distinct connections mode of GraphQL over SSE asks for. */
const eventStream: StreamForm = {
  headers: { 'content-type': 'text/event-stream', ...headers },
  opening: keepAliveFrame,
  keepAlive: keepAliveFrame,
  complete: completeFrame,
  write: (piece) => (isFrames(piece) ? piece : eventFrame(piece)),
};

const boundary = '\r\n--graphql';

/**
 * Subscriptions over multipart/mixed, as Apollo's clients ask for. Each part is followed by its boundary at once, because a client
 * takes a part for whole only then.
 */
const multipartStream: StreamForm = {
  headers: { 'content-type': 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0', ...headers },
  opening: boundary,
  keepAlive: partOf('{}'),
  complete: '--\r\n',
  write: (piece) => framesOf(piece).map(toPart).join(''),
};

function framesOf(piece: StreamPiece): string[] {
  const text = isFrames(piece) ? Buffer.from(piece).toString() : eventFrame(piece);
  return text.split('\n\n').filter((frame) => frame !== '');
}

/** An error without data ends the stream; it belongs to the transport and not to an event. */
function toPart(frame: string): string {
  const result = frame.slice(frame.indexOf('data: ') + 'data: '.length);
  return partOf(
    result.startsWith('{"errors"') && !hasData(result)
      ? `{"payload":null,${result.slice(1)}`
      : `{"payload":${result}}`,
  );
}

function hasData(result: string): boolean {
  const { data } = JSON.parse(result) as ExecutionResult;
  return data !== undefined;
}

function partOf(json: string): string {
  return `\r\ncontent-type: application/json\r\n\r\n${json}${boundary}`;
}

/** The form that a client accepts; undefined for none. */
export function streamFormFor(accept: string | null | undefined): StreamForm | undefined {
  if (readsEvents(accept)) return eventStream;
  return accept && /multipart\/mixed[^,]*;\s*subscriptionSpec\s*=/i.test(accept)
    ? multipartStream
    : undefined;
}
