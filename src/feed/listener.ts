import { DatabaseClient } from '../database/connections/database-client.js';
import { registryDirectAdvice } from '../database/registry-database.js';
import type { Log } from '../log.js';

const reconnectMs = 1_000;

/**
 * Calls `onHint` when PostgreSQL notifies of a change, and after each reconnect. A notification only reduces latency:
 * the next regular poll finds lost ones.
 */
export function openListener(
  url: string,
  options: { onHint: () => void; log: Log },
): { close(): Promise<void> } {
  let client: DatabaseClient | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  const reconnect = () => {
    clearTimeout(timer);
    if (!isClosed) timer = setTimeout(connect, reconnectMs).unref();
  };
  const connect = async () => {
    const opened = new DatabaseClient({
      connectionString: url,
      application_name: 'tenant-registry listener',
      connectionTimeoutMillis: 5_000,
      bounds: {},
      directAdvice: registryDirectAdvice,
      keepAlive: true,
    });
    client = opened;
    opened.on('notification', options.onHint);
    opened.on('error', (error) =>
      options.log.debug({ err: error }, 'lost the connection for change notifications'),
    );
    opened.on('end', reconnect);
    try {
      await opened.connect();
      await opened.query('LISTEN registry_change');
      options.onHint();
    } catch (error) {
      options.log.debug({ err: error }, 'change notifications are not available; retrying');
      await opened.end().catch(() => undefined);
      reconnect();
    }
  };
  connect();

  return {
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await client?.end().catch(() => undefined);
    },
  };
}
