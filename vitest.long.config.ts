import config from './vitest.config.js';

/**
 * The tests of large sizes, `*.long.test.ts`, which `npm test` leaves out: `npm run test:long`. Two at a time, because most of them keep
 * several processes busy; their bounds are for a machine that is slow and loaded.
 */
export default {
  ...config,
  test: {
    ...config.test,
    include: ['test/**/*.long.test.ts'],
    exclude: [],
    maxWorkers: 2,
    testTimeout: 240_000,
    hookTimeout: 240_000,
  },
};
