import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { developer } from '../../../src/auth/caller.js';
import { cancelOperation } from '../../../src/provisioning/commands/cancel-operation.js';
import { stepsByName } from '../../../src/provisioning/operations/run/steps.js';
import { interrupt, interruptAround, type Recording, record } from '../../interruption/interrupt.js';
import { type Scenario, scenarios } from '../../interruption/scenarios.js';
import { databasesOf } from '../../interruption/tenant-state.js';
import { openTestEnvironment, type TestEnvironment } from '../../interruption/test-environment.js';
import { type Interruption, openVictims, type Victims } from '../../interruption/victim-processes.js';
import { uniqueName } from '../../setup/database.js';
import { createDraw } from '../../setup/random.js';
import { seed } from '../../setup/seed.js';

// A random sample of bench/kill-matrix.ts. Each case runs in its own process.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });
const draw = createDraw(seed);

/** Together they run every kind of step. Operations on many tenants have no steps, and bulk.long.test.ts interrupts them. */
const sampled = scenarios.filter(({ name }) =>
  ['onboard', 'provision', 'adopt', 'remove', 'suspend', 'end a suspension'].includes(name),
);
/**
 * How many points these have at least; all others have more than ten. registerTenant is one transaction in one database and sends few
 * messages. The end of a suspension has no step: it postpones the check of the guards, opens the two guards and commits the change.
 */
const fewest: Record<string, number> = { onboard: 5, 'end a suspension': 7 };
const fewestOf = ({ name }: Scenario) => fewest[name] ?? 11;
const moments = ['before', 'sent', 'after'] as const;

let environment: TestEnvironment;
let victims: Victims;
const recordings: Recording[] = [];
beforeAll(async () => {
  environment = await openTestEnvironment();
  victims = openVictims(environment.env);
  for (const scenario of sampled) {
    let recording = await record(environment, victims, scenario);
    // On a busy machine a mutation may answer before its operation has ended, whose statements are not in the recording then.
    for (let again = 3; recording.points.length < fewestOf(scenario) && again > 0; again--)
      recording = await record(environment, victims, scenario);
    recordings.push(recording);
  }
});
afterAll(async () => {
  await victims?.[Symbol.asyncDispose]();
  await environment?.close();
});

test('every kind of step has points at which it is interrupted', () => {
  const recorded = new Set(recordings.flatMap(({ steps }) => steps));
  expect(Object.keys(stepsByName).filter((name) => !recorded.has(name))).toEqual([]);
  for (const { scenario, points } of recordings)
    expect(points.length, scenario.name).toBeGreaterThanOrEqual(fewestOf(scenario));
});

describe(`an interrupted operation ends as if it had not been interrupted (SEED=${seed})`, () => {
  const drawn = sampled.map((scenario) => {
    const how: Interruption['how'] = draw(2) === 0 ? 'kill' : 'cut';
    return { scenario, how, title: `${scenario.name} ${scenario.isolation}` };
  });

  test.each(drawn)('$title: $how', async ({ scenario, how }) => {
    const recording = recordings.find((candidate) => candidate.scenario === scenario);
    if (!recording) throw new Error(`${scenario.name} was not recorded`);
    const lasting = recording.points.flatMap(({ lasts }, at) => (lasts ? at + 1 : []));
    const at = lasting[draw(lasting.length)] ?? 1;
    const moment = moments[draw(3)] ?? 'sent';
    const { problems, point } = await interruptAround(environment, victims, recording, { at, moment, how });
    expect(problems, `${moment} ${at}: ${point?.sql}`).toEqual([]);
  });
});

test.each(['kill', 'cut'] as const)('a %s that never happens is a problem', async (how) => {
  const [recording] = recordings;
  if (!recording) throw new Error('nothing was recorded');
  const at = 10 * recording.points.length;
  const { problems } = await interrupt(environment, victims, recording, { at, moment: 'sent', how }, 1);
  expect(problems).toEqual(['was not interrupted']);
});

test('an unfinished database of a process that died is dropped when the operation is cancelled', async () => {
  const recording = recordings.find(
    ({ scenario: { name, isolation } }) => name === 'provision' && isolation === 'DATABASE',
  );
  const { scenario, points = [] } = recording ?? {};
  const at = points.findIndex(({ sql }) => sql.startsWith('CREATE DATABASE')) + 1;
  const slug = uniqueName('t');
  const order = { slug, command: 'provisionTenant', input: scenario?.input(slug) ?? {}, goesOn: false };
  await victims.send({ ...order, interruption: { at, moment: 'after', how: 'kill' } });
  expect(await databasesOf(environment.urls.two, slug)).toEqual([
    expect.stringMatching(/^registry_building_/),
  ]);
  const { rows } = await environment.app.database.pool.query(
    'SELECT id FROM operations ORDER BY created_at DESC LIMIT 1',
  );
  await cancelOperation(environment.app.commandsFor(developer), { id: rows[0].id });
  await environment.recover(slug);
  expect(await databasesOf(environment.urls.two, slug)).toEqual([]);
});
