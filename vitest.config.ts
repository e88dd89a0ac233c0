import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Large sizes of the same tests: npm run test:long.
    exclude: [...configDefaults.exclude, '**/*.long.test.ts'],
    globalSetup: ['test/setup/postgres.ts'],
    setupFiles: ['test/setup/every-file.ts'],
    reporters: ['default', './test/setup/tally-reporter.ts'],
    pool: 'forks',
    // To load the product and warm it up costs more than most files need for their tests, so files share four
    // processes and their modules. A file closes what it opens; what a kit clears away for it is in test/setup/leftovers.ts.
    isolate: false,
    // Four on every machine: the tests wait for servers more than they compute, and with three a third of two cores is idle.
    maxWorkers: 4,
    // They end what hangs, and are no bounds on speed: a loaded machine takes ten times as long.
    testTimeout: 120_000,
    hookTimeout: 180_000,
    // A second, the default, is too short for what other processes do on a loaded machine.
    expect: { poll: { timeout: 30_000 } },
  },
  // What Node.js itself finds, or there are two copies, and no schema of the one passes for a schema in the other.
  resolve: { alias: { graphql: import.meta.resolve('graphql').replace('file://', '') } },
});
