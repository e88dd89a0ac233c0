import { findRedisProblem } from '../../cache/redis-connection.js';
import type { Config } from '../../config.js';
import { connectionCounts, countConnections } from '../../database/connections/connection-counts.js';
import { findServerProblems } from '../../database/servers/find-server-problems.js';
import { directVariableOf, readVariableOf } from '../../settings/settings.js';
import { describeServer, readPostgresUrl } from '../../urls/postgres-url.js';
import { readRedisUrl } from '../../urls/redis-url.js';

/** A server that the configuration names, and what was found there. */
export interface Place {
  variable: string;
  /** Without the password. */
  place: string;
  /** Empty: it was reached, and has what is needed. */
  problems: string[];
}

/** The URL of a database without its password. */
export function describeDatabase(url: string): string {
  const target = readPostgresUrl(url);
  return `database ${target.database} at ${describeServer(target)}${target.user === undefined ? '' : ` as ${target.user}`}`;
}

export function describeRedis(url: string): string {
  const { kind, nodes, name } = readRedisUrl(url);
  const servers = nodes.map(({ host, port }) => `${host}:${port}`).join(', ');
  if (kind === 'sentinel') return `Redis ${name} by Sentinel at ${servers}`;
  return kind === 'cluster' ? `Redis Cluster at ${servers}` : `Redis at ${servers}`;
}

/** Connects to every server once, to all at the same time. */
export async function tryPlaces(config: Config): Promise<Place[]> {
  const database = async (
    variable: string,
    url: string,
    use: Parameters<typeof findServerProblems>[0]['use'],
  ) => ({
    variable,
    place: describeDatabase(url),
    problems: await findServerProblems({ url, variable, use }),
  });
  const ofRegistry = {
    of: 'registry',
    isRead: false,
    creates: false,
    requiresStandbys: config.requiredStandbys > 0,
  } as const;
  const ofService = {
    of: 'service',
    isRead: false,
    creates: true,
    connections: connectionCounts.service,
  } as const;
  const { databaseUrl, databaseDirectUrl, redisUrl } = config;
  const tried: Promise<Place>[] = [];
  if (databaseUrl !== undefined)
    tried.push(database('DATABASE_URL', databaseUrl, { ...ofRegistry, connections: countConnections(1) }));
  if (databaseDirectUrl !== undefined)
    tried.push(database('DATABASE_DIRECT_URL', databaseDirectUrl, { ...ofRegistry, connections: 0 }));
  for (const [variable, url] of Object.entries(config.serviceDatabaseUrls)) {
    const direct = config.serviceDatabaseDirectUrls[variable];
    const read = config.serviceDatabaseReadUrls[variable];
    // What is made there is made through the direct URL.
    const use = direct === undefined ? ofService : { ...ofService, creates: false, connections: 0 };
    tried.push(database(variable, url, use));
    if (direct !== undefined) tried.push(database(directVariableOf(variable), direct, ofService));
    if (read !== undefined)
      tried.push(database(readVariableOf(variable), read, { ...ofService, isRead: true, creates: false }));
  }
  if (redisUrl !== undefined)
    tried.push(
      findRedisProblem(redisUrl).then((problem) => ({
        variable: 'REDIS_URL',
        place: describeRedis(redisUrl),
        problems: problem === undefined ? [] : [problem],
      })),
    );
  return Promise.all(tried);
}
