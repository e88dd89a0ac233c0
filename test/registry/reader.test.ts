import { expect, test } from 'vitest';
import { developer } from '../../src/auth/caller.js';
import type { Demand } from '../../src/cache/read-through.js';
import { createReader } from '../../src/registry/resolution/reader.js';

const epoch = '0123456789abcdef';

test('a configuration for a route is requested at least at the revision of the route', async () => {
  const demands: Demand<string>[] = [];
  const configs = {
    getMany: async (asked: readonly Demand<string>[]) => {
      demands.push(...asked);
      return asked.map(({ key }) => ({ key, value: {} }));
    },
  };
  const options = { caches: { configs }, follower: {}, caller: developer };
  const reader = createReader(options as unknown as Parameters<typeof createReader>[0]);
  await Promise.all([reader.config('a', `${epoch}:7`), reader.config('a'), reader.config('a', `${epoch}:7`)]);
  expect(demands).toEqual([{ key: 'a', atLeast: { epoch, revision: 7n } }, { key: 'a' }]);
});
