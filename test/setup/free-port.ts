import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ephemeral ports, from which an outgoing connection could take the port while its server is stopped. */
const [lowest, highest] = [20_000, 29_999];

/** A free port on 127.0.0.1, for a server that is stopped and started again on it. */
export async function findFreePort(): Promise<number> {
  for (;;) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest + 1));
    const probe = createServer();
    try {
      probe.listen(port, '127.0.0.1');
      await once(probe, 'listening');
      return port;
    } catch {
      // The port is in use.
    } finally {
      await new Promise((closed) => probe.close(closed));
    }
  }
}
