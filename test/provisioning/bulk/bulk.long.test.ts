import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { developer } from '../../../src/auth/caller.js';
import { suspendTenants } from '../../../src/provisioning/bulk/start-bulk.js';
import { openTestEnvironment, type TestEnvironment } from '../../interruption/test-environment.js';
import { openVictims, type Point, type Victims } from '../../interruption/victim-processes.js';
import { startWorker } from '../../interruption/worker-process.js';
import { uniqueName } from '../../setup/database.js';
import { createDraw } from '../../setup/random.js';
import { seed } from '../../setup/seed.js';
import { sizeOf } from '../../setup/size.js';
import { makeTenants, readChanges } from '../support/bulk-calls.js';
import { killBulk, killedBulks, recordBulk } from '../support/killed-bulk.js';

const killsEach = sizeOf({ usual: 2, full: 10 });
const patienceMs = 120_000;
const draw = createDraw(seed);

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openTestEnvironment();
});
afterAll(() => environment?.close());

test('2,000 tenants are suspended once each, in a revision per batch, by workers that are killed in the middle', async () => {
  const tenants = await makeTenants(
    environment,
    Array.from({ length: 2_000 }, () => 'active'),
    {
      prefix: uniqueName('m'),
    },
  );
  const leaving = { ...environment.app.commandsFor(developer), runOperation: async () => undefined };
  const { operationId } = await suspendTenants(leaving, {
    tenantIds: tenants.map(({ slug }) => slug),
    reason: 'unpaid',
  });
  const read = async () => {
    const [row] = await environment.psql<{ status: string; succeeded: number; worker: string | null }>(
      'SELECT status::text, tenants_succeeded AS succeeded, worker FROM operations WHERE id = $1',
      [operationId],
    );
    return row ?? { status: '', succeeded: 0, worker: null };
  };
  const workers = new Set<string | null>();
  for (const until of [300, 900, 1_400]) {
    await using worker = await startWorker(environment.env);
    await expect
      .poll(async () => (await read()).succeeded, { timeout: patienceMs, interval: 5 })
      .toBeGreaterThanOrEqual(until);
    workers.add((await read()).worker);
    await worker.kill();
  }
  await using _ = await startWorker(environment.env);
  await expect.poll(async () => (await read()).status, { timeout: patienceMs }).toBe('succeeded');
  expect((await read()).succeeded).toBe(2_000);
  expect(workers.size).toBe(3);
  const changes = await readChanges(environment, tenants, 'tenant.suspended');
  expect(changes).toMatchObject({ entries: 2_000, tenants: 2_000, revisions: 20 });
});

describe(`killed anywhere, every change is made exactly once (SEED=${seed})`, () => {
  let victims: Victims;
  beforeAll(() => {
    victims = openVictims(environment.env);
  });
  afterAll(() => victims?.[Symbol.asyncDispose]());

  describe.each(killedBulks)('$command', (bulk) => {
    let points: Point[];
    beforeAll(async () => {
      points = await recordBulk(environment, victims, bulk);
    });

    test.each(Array.from({ length: killsEach }, (_, at) => at))(
      'at point %d of a random choice',
      async () => {
        const at = 1 + draw(points.length);
        const moment = (['before', 'sent', 'after'] as const)[draw(3)] ?? 'sent';
        const problems = await killBulk(environment, victims, bulk, { at, moment, how: 'kill' });
        expect(problems, `${moment} ${at}: ${points[at - 1]?.sql}`).toEqual([]);
      },
    );
  });
});
