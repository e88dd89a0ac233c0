import { once } from 'node:events';
import type { ServerResponse } from 'node:http';

/** Sends a stream as it comes and no faster than the client takes it; a client that goes away ends it at the source. */
export async function sendStream(body: ReadableStream<Uint8Array>, response: ServerResponse): Promise<void> {
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
