import { directVariableOf } from '../../settings/settings.js';
import { readPostgresUrl } from '../../urls/postgres-url.js';
import { connectionCounts } from '../connections/connection-counts.js';
import { describeConnectionFailure } from '../connections/connection-failure.js';
import { DatabaseClient } from '../connections/database-client.js';
import { judgeServer, readServerFacts, type ServerUse } from './server-check.js';

interface Server {
  url: string;
  /** The variable with the URL. */
  variable: string;
  use: ServerUse;
}

/** What the server lacks, one line each; that it cannot be reached is one line as well. */
export async function findServerProblems({ url, variable, use }: Server): Promise<string[]> {
  const client = new DatabaseClient({
    connectionString: url,
    application_name: 'tenant-registry check',
    connectionTimeoutMillis: 5_000,
    query_timeout: 5_000,
    bounds: {},
  });
  const { user, host, port } = client;
  try {
    await client.connect();
    const facts = await readServerFacts(client);
    const problems = judgeServer(facts, client.isPooled ? { ...use, connections: 0 } : use);
    return problems.map((problem) => `${variable}: ${problem}`);
  } catch (error) {
    return [
      describeConnectionFailure(error, { ...readPostgresUrl(url), user: user ?? '', host, port, variable }),
    ];
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** What the servers of the modules lack. These problems do not stop the gateway. */
export async function findServiceProblems(config: {
  serviceDatabaseUrls: Readonly<Record<string, string>>;
  serviceDatabaseDirectUrls: Readonly<Record<string, string>>;
}): Promise<string[]> {
  const found = await Promise.all(
    Object.entries(config.serviceDatabaseUrls).map(([variable, url]) => {
      const direct = config.serviceDatabaseDirectUrls[variable];
      return findServerProblems({
        ...(direct === undefined ? { url, variable } : { url: direct, variable: directVariableOf(variable) }),
        use: { of: 'service', isRead: false, creates: true, connections: connectionCounts.service },
      });
    }),
  );
  return found.flat();
}
