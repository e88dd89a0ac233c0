import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/setup/postgres.ts'],
    reporters: ['default', './test/setup/tally-reporter.ts'],
    pool: 'forks',
    // Two on every machine: the tests wait for servers more than they compute, and those need the cores as well.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Or there are two copies of graphql, and no schema of the one passes for a schema in the other.
    server: { deps: { inline: [/graphql/, /@pothos/, /@envelop/] } },
  },
});
