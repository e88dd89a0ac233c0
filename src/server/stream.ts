import { once } from 'node:events';
import type { ServerResponse } from 'node:http';

/** Sends a stream as it comes and no faster than the client takes it; a client that goes away ends it at the source. */
export async function sendStream(body: ReadableStream<Uint8Array>, response: ServerResponse): Promise<void> {
  const reader = body.getReader();
  const gone = new AbortController();
  const leave = () => {
    gone.abort();
    // Of the stream and not of its reader: Yoga's reader would wait for the next event, and before its first read do
    // nothing at all. The source may have failed by itself, which ends it just as well.
    body.cancel().catch(() => undefined);
  };
  response.once('close', leave);
  // Gone before there was anything to send: that event is over.
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
