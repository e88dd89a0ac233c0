import config from './vitest.config.js';

/** The tests of large sizes, `*.long.test.ts`, which `npm test` leaves out: `npm run test:long`. */
export default { ...config, test: { ...config.test, include: ['test/**/*.long.test.ts'], exclude: [] } };
