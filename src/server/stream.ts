import { once } from 'node:events';
import type { ServerResponse } from 'node:http';

/** How long a client may take to read the last event after the end of its credential, in milliseconds. */
const lastEventMs = 2_000;

/**
 * Sends a stream as fast as the client reads it; a client that disconnects ends it at the source. After `ended` the
 * connection of a client that does not read is cut.
 */
export async function sendStream(
  body: ReadableStream<Uint8Array>,
  response: ServerResponse,
  ended?: Promise<unknown>,
): Promise<void> {
  void ended?.then(() => {
    setTimeout(() => {
      // A response that was sent has left its connection to the next request.
      if (!response.writableFinished) response.destroy();
    }, lastEventMs).unref();
  });
  const reader = body.getReader();
  const gone = new AbortController();
  const leave = () => {
    gone.abort();
    // The stream is cancelled and not its reader: Yoga's reader would wait for the next event, and do nothing at all
    // before its first read. A source that failed by itself has ended already.
    body.cancel().catch(() => undefined);
  };
  response.once('close', leave);
  // The client may be gone already; its close event is then over.
  if (response.destroyed) leave();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done || gone.signal.aborted) return;
      if (!response.write(value)) await once(response, 'drain', { signal: gone.signal });
    }
  } catch (error) {
    if (!gone.signal.aborted) throw error;
  } finally {
    response.end();
  }
}
