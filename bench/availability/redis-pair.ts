/** A Redis master with a replica, and a Sentinel that promotes it. */
import { openRedisServer, openSentinel, type RedisServer } from '../../test/setup/redis.js';
import { until } from '../../test/setup/until.js';

export interface RedisPair {
  /** A value for REDIS_URL. */
  url: string;
  findMaster(): Promise<RedisServer>;
  /** Resolves when the master has a replica that follows, which Sentinel knows. */
  untilWhole(): Promise<void>;
  close(): Promise<void>;
}

const wholeWithinMs = 60_000;

export async function openRedisPair(host: string): Promise<RedisPair> {
  const master = await openRedisServer({ host });
  const replica = await openRedisServer({ host, args: ['--replicaof', host, `${master.port}`] });
  const servers = [master, replica];
  const sentinel = await openSentinel(master, { host });
  const findMaster = async () => {
    const [, port] = (await sentinel.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'primary')) as string[];
    return servers.find((server) => server.port === Number(port)) as RedisServer;
  };
  const isWhole = async () => {
    const replicas = (await sentinel.command('SENTINEL', 'REPLICAS', 'primary')) as string[][];
    const [state = []] = replicas;
    const flags = state[state.indexOf('flags') + 1];
    const link = state[state.indexOf('master-link-status') + 1];
    return replicas.length === 1 && flags === 'slave' && link === 'ok';
  };
  return {
    ...{ url: sentinel.url, findMaster },
    untilWhole: () => until(() => isWhole().catch(() => false), wholeWithinMs),
    async close() {
      await sentinel.close();
      for (const server of servers) await server.close();
    },
  };
}
