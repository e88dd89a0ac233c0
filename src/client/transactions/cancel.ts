import { connect } from 'node:net';
import type { TenantClient } from './pool.js';

/** The properties that a `pg` connection has at run time. */
interface Backend {
  processID?: unknown;
  secretKey?: unknown;
  host?: unknown;
  port?: unknown;
}

/** CancelRequest of the PostgreSQL protocol, version 3. */
const cancelRequest = 80877102;
const patienceMs = 500;

/**
 * Asks the server to cancel the statement of a connection that is being destroyed; the server would otherwise notice
 * only at the end of the statement. Resolves when the server has closed the request or does not answer, and at once
 * when the driver does not tell the server's address.
 */
export function cancelStatement(client: TenantClient): Promise<void> {
  const { processID, secretKey, host, port } = client as Backend;
  if (typeof processID !== 'number' || typeof secretKey !== 'number') return Promise.resolve();
  if (typeof host !== 'string' || typeof port !== 'number') return Promise.resolve();
  const request = Buffer.alloc(16);
  request.writeInt32BE(16, 0);
  request.writeInt32BE(cancelRequest, 4);
  request.writeInt32BE(processID, 8);
  request.writeInt32BE(secretKey, 12);
  return new Promise((resolve) => {
    const socket = connect(host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port });
    socket.setTimeout(patienceMs, () => socket.destroy());
    socket.on('connect', () => socket.write(request));
    // The server answers by closing the connection.
    socket.resume();
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
  });
}
