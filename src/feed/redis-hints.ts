import type { RedisConnection } from '../cache/redis-connection.js';

const channel = 'tenant-registry:changed';

/**
 * Hints through Redis pub/sub, for gateways that PostgreSQL's NOTIFY does not reach. A lost hint only costs latency.
 */
export function openRedisHints(publisher: RedisConnection, subscriber: RedisConnection, onHint: () => void) {
  const subscribe = () => {
    subscriber.subscribe(channel).then(onHint, () => undefined);
  };
  subscriber.on('ready', subscribe);
  subscriber.on('message', onHint);
  return {
    send: () => void publisher.publish(channel, '').catch(() => undefined),
  };
}
