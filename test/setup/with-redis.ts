import { describe } from 'vitest';
import { isRedisInstalled } from './redis.js';

const isRequired = process.env.CI === 'true';

if (!isRedisInstalled) {
  const advice = 'redis-server is not installed: install it (apt-get install redis-server)';
  if (isRequired) throw new Error(`${advice}; under CI=true these tests must run`);
  process.stderr.write(`\n!!! ${advice}; what needs a real Redis is SKIPPED\n\n`);
}

/** Declares tests that need a real Redis. */
export const describeWithRedis = describe.skipIf(!isRedisInstalled);
