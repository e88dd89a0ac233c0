import { expect, test } from 'vitest';
import { developer } from '../../src/auth/caller.js';
import type { Demand } from '../../src/cache/read-through.js';
import { createReader } from '../../src/registry/reader.js';

const epoch = '0123456789abcdef';

test('a configuration that comes with a route is asked for as new as that', async () => {
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
