import { expect, test, vi } from 'vitest';
import { openTestEnvironment } from '../../interruption/test-environment.js';
import { raceWorkers } from '../../interruption/worker-race.js';

vi.setConfig({ testTimeout: 120_000 });

// With 500 operations: bench/two-workers.ts.
test('two workers have each effect of 60 operations once, and never work on one subscription at the same time', async () => {
  await using environment = await openTestEnvironment();
  const report = await raceWorkers(environment, 20);
  expect(report.byWorker).toHaveLength(2);
  expect(report).toMatchObject({
    operations: 60,
    astray: [],
    overlaps: [],
    repeated: [],
    unguarded: 0,
  });
  // Of two equal requests one is refused: while the first is running, or after its end, because nothing is left to change.
  const { OPERATION_IN_PROGRESS = 0, CONFLICT = 0, ...others } = report.refusals;
  expect(others).toEqual({});
  expect(OPERATION_IN_PROGRESS + CONFLICT).toBe(60);
  expect(OPERATION_IN_PROGRESS).toBeGreaterThan(0);
});
