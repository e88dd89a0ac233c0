import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { isFrames, type StreamPiece } from '../../graphql/streams/event-frames.js';
import type { StreamForm } from '../../graphql/streams/stream-form.js';

/** How long a client may take to read the last event after the end of its credential, in milliseconds. */
const lastEventMs = 2_000;
const keepAliveMs = 12_000;

interface StreamOptions {
  form: StreamForm;
  /** Resolves when the credential of the stream has ended. */
  ended: Promise<unknown> | undefined;
  /** Resolves when other requests have had their turn. */
  turn: () => Promise<void>;
}

/**
 * Sends events as fast as the client reads them; a client that disconnects ends them at the source. After `ended` the
 * connection of a client that does not read is cut.
 */
export async function sendEvents(
  events: AsyncIterator<StreamPiece>,
  response: ServerResponse,
  { form, ended, turn }: StreamOptions,
): Promise<void> {
  void ended?.then(() => {
    setTimeout(() => {
      // A response that was sent has left its connection to the next request.
      if (!response.writableFinished) response.destroy();
    }, lastEventMs).unref();
  });
  const gone = new AbortController();
  const leave = () => {
    gone.abort();
    Promise.resolve(events.return?.()).catch(() => undefined);
  };
  response.once('close', leave);
  // The client may be gone already; its close event is then over.
  if (response.destroyed) leave();
  // A client that does not read has enough to read.
  const keepAlive = setInterval(() => {
    if (!response.writableNeedDrain) response.write(form.keepAlive);
  }, keepAliveMs);
  try {
    response.write(form.opening);
    while (!gone.signal.aborted) {
      const { done, value } = await events.next();
      if (gone.signal.aborted) return;
      if (done) return void response.write(form.complete);
      const mayWrite = response.write(form.write(value));
      if (!mayWrite) await once(response, 'drain', { signal: gone.signal });
      // Frames are made in turns already.
      if (!isFrames(value)) await turn();
    }
  } catch (error) {
    if (!gone.signal.aborted) throw error;
  } finally {
    clearInterval(keepAlive);
    response.end();
  }
}
