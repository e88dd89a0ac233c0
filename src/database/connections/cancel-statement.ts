import type { ClientBase } from 'pg';
import { DatabaseClient } from './database-client.js';

/** Fields of the driver that its types do not have. */
interface Backend {
  processID: number | null;
  secretKey: number | null;
}

interface CancellingConnection {
  ssl: unknown;
  sslNegotiation: 'postgres' | 'direct';
  connect(portOrPath: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processId: number, secretKey: number): void;
  on(event: 'connect' | 'sslconnect' | 'end' | 'error', listener: () => void): void;
  stream: { destroy(): void };
}

/** How long a cancel request may take, in milliseconds. */
const timeoutMs = 3_000;

/**
 * Asks the server to cancel the statement that runs on this connection. It is PostgreSQL's own cancel request, which
 * poolers forward, on a connection of its own. Resolves when the server has taken it, or when it cannot be reached. The
 * caller does not use the connection again: the request could meet its next statement.
 */
export async function cancelStatement(client: ClientBase, url: string): Promise<void> {
  // The driver's types hide the key of the backend.
  const { processID, secretKey } = client as unknown as Backend;
  if (processID === null || secretKey === null) return;
  const canceller = new DatabaseClient({ connectionString: url });
  const { connection, host, port } = canceller as unknown as {
    connection: CancellingConnection;
    host: string;
    port: number;
  };
  await new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer);
      connection.stream.destroy();
      resolve();
    };
    const timer = setTimeout(end, timeoutMs);
    const cancel = () => connection.cancel(processID, secretKey);
    connection.on('connect', () => {
      if (!connection.ssl) cancel();
      else if (connection.sslNegotiation !== 'direct') connection.requestSsl();
    });
    connection.on('sslconnect', cancel);
    connection.on('error', end);
    connection.on('end', end);
    if (host.startsWith('/')) connection.connect(`${host}/.s.PGSQL.${port}`);
    else connection.connect(port, host);
  });
}
