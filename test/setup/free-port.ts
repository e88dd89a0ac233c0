import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ports that systems hand out to outgoing connections: one of those could take it while its server is away. */
const [lowest, highest] = [20_000, 29_999];

/** A port on 127.0.0.1 that nobody listens on, for a server that goes away and comes back on it. */
export async function findFreePort(): Promise<number> {
  for (;;) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest + 1));
    const probe = createServer();
    try {
      probe.listen(port, '127.0.0.1');
      await once(probe, 'listening');
      return port;
    } catch {
      // Taken: the next one.
    } finally {
      await new Promise((closed) => probe.close(closed));
    }
  }
}
