import config from './vitest.config.js';

/**
 * The tests of large sizes, `*.long.test.ts`, which `npm test` leaves out: `npm run test:long`. Three at a time, as most wait for
 * other processes; their bounds are for a machine that is slow and loaded.
 */
export default {
  ...config,
  test: {
    ...config.test,
    include: ['test/**/*.long.test.ts'],
    exclude: [],
    maxWorkers: 3,
    testTimeout: 240_000,
    hookTimeout: 240_000,
  },
};
