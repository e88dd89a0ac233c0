import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Caller, developer } from '../../../src/auth/caller.js';
import { cancelRollout } from '../../../src/provisioning/commands/cancel-rollout.js';
import { pauseRollout } from '../../../src/provisioning/commands/pause-rollout.js';
import { resumeRollout } from '../../../src/provisioning/commands/resume-rollout.js';
import { retryRollout } from '../../../src/provisioning/commands/retry-rollout.js';
import { skipTenantInRollout } from '../../../src/provisioning/commands/skip-tenant-in-rollout.js';
import { startRollout } from '../../../src/provisioning/commands/start-rollout.js';
import {
  claimRollout,
  forgetLeaders,
  LostRolloutError,
} from '../../../src/provisioning/rollout/lead/rollout-claim.js';
import { RolloutDuty } from '../../../src/provisioning/rollout/lead/rollout-duty.js';
import { stepRollout } from '../../../src/provisioning/rollout/lead/rollout-step.js';
import {
  listRolloutPage,
  listRollouts,
  listRolloutTenants,
} from '../../../src/provisioning/rollout/reads/rollout-pages.js';
import { addTenantExternalId } from '../../../src/registry/commands/add-tenant-external-id.js';
import {
  lead,
  openRolloutTestbed,
  phones,
  type RolloutTestbed,
  resultsOf,
  rolloutOf,
  statusesOf,
  type TestModule,
} from '../support/rollouts.js';

let testbed: RolloutTestbed;
beforeAll(async () => {
  testbed = await openRolloutTestbed(24, 3);
});
afterAll(() => testbed?.close());

/** A module with a file that its tenants lack. */
async function behind(): Promise<TestModule> {
  const module = await testbed.takeModule();
  await module.write('0003_phones.sql', phones);
  return module;
}

const commands = {
  startRollout,
  pauseRollout,
  resumeRollout,
  retryRollout,
  skipTenantInRollout,
  cancelRollout,
};

test.each(Object.entries(commands))('%s needs the scope provision', async (_name, command) => {
  const caller: Caller = { ...developer, scopes: new Set(['registry:write', 'registry:read']) };
  await expect(command({ ...testbed.context, caller }, {})).rejects.toMatchObject({ code: 'FORBIDDEN' });
});

test.each<[string, object, string]>([
  ['tenants and percent', { canary: { tenants: 1, percent: 1 } }, 'strategy.canary'],
  ['an empty canary', { canary: {} }, 'strategy.canary'],
  ['a pause without a canary', { pauseAfterCanary: true }, 'strategy.pauseAfterCanary'],
  ['no wave', { waves: 0 }, 'strategy.waves'],
  ['half a wave', { waves: 1.5 }, 'strategy.waves'],
  ['too many lanes', { parallelism: 17 }, 'strategy.parallelism'],
  ['a budget above 100 percent', { errorBudget: { percent: 101 } }, 'strategy.errorBudget.percent'],
  ['a negative budget', { errorBudget: { count: -1 } }, 'strategy.errorBudget.count'],
  ['no wait for locks', { lockTimeoutMs: 0 }, 'strategy.lockTimeoutMs'],
  [
    'statements that end before their waits',
    { lockTimeoutMs: 1_000, statementTimeoutMs: 1_000 },
    'strategy.lockTimeoutMs',
  ],
  ['a canary of an unknown tenant', { canary: { tenantIds: ['nobody'] } }, 'strategy.canary.tenantIds.0'],
])('a strategy with %s is refused, and the field is named', async (_name, strategy, field) => {
  await expect(startRollout(testbed.context, { module: 'm0', strategy })).rejects.toMatchObject({
    code: 'VALIDATION_ERROR',
    fields: [{ field }],
  });
});

test('a retry runs a file that was corrected since, but none that was edited after it ran', async () => {
  const module = await testbed.takeModule();
  await module.write('0003_phones.sql', phones);
  await module.write('0004_tags.sql', 'CREATE TABLE tag (id int REFERENCES nothing);');
  const id = await module.start({ errorBudget: { count: 3 } });
  await lead(testbed);
  expect(await statusesOf(testbed, id)).toEqual({ FAILED: 3 });

  const retry = () => retryRollout(testbed.context, { id });
  await module.write('0003_phones.sql', `${phones} -- edited`);
  await expect(retry()).rejects.toMatchObject({
    code: 'CONFLICT',
    message: expect.stringMatching(/0003_phones\.sql was edited after it ran .* restore the file/),
  });
  await module.write('0003_phones.sql', phones);
  await module.write('0004_tags.sql', 'CREATE TABLE public.tag (id int);');
  await expect(retry()).rejects.toMatchObject({
    code: 'CONFLICT',
    message: expect.stringContaining('0004_tags.sql:1: '),
  });
  await testbed.remove(`${module.name}/0004_tags.sql`);
  await expect(retry()).rejects.toMatchObject({
    code: 'CONFLICT',
    message: expect.stringMatching(/MODULES_DIR has no \S+0004_tags\.sql: restore the file/),
  });
  // Nothing has changed so far.
  expect(await rolloutOf(testbed, id)).toMatchObject({ status: 'FAILED' });
  await module.write('0004_tags.sql', 'CREATE TABLE tag (id int);');
  await retry();
  await lead(testbed);
  expect(await statusesOf(testbed, id)).toEqual({ SUCCEEDED: 3 });
  expect(new Set(Object.values(await module.versions()))).toEqual(new Set([`${module.name}/0004_tags.sql`]));
});

test('a retry with a corrected file waits for tenants that are being migrated, and no leader goes on with the file as it was', async () => {
  const module = await testbed.takeModule();
  await module.write('0003_phones.sql', 'ALTER TABLE contact ADD COLUMN phone nothing;');
  const id = await module.start({ errorBudget: { count: 3 } });
  const leader = await claimRollout(testbed.context, id, 15_000);
  if (!leader) throw new Error('not claimed');
  const wish = { results: [], returned: [], claims: 2, inFlight: 0 };
  const { claimed } = await stepRollout(testbed.context, leader, wish);
  const [first, second] = claimed.map(({ tenantId, generation }) => ({
    ...{ tenantId, generation, attempts: 1, durationMs: 1, status: 'FAILED' as const, toVersion: null },
    ...{ file: null, error: 'no such type', errorCode: null, violations: null },
  }));
  if (!first || !second) throw new Error('not claimed');
  await stepRollout(testbed.context, leader, { ...wish, results: [first], claims: 0, inFlight: 1 });
  await module.write('0003_phones.sql', phones);
  await expect(retryRollout(testbed.context, { id })).rejects.toMatchObject({
    code: 'CONFLICT',
    message: expect.stringMatching(/are being migrated .* use pauseRollout/),
  });
  await pauseRollout(testbed.context, { id });
  await stepRollout(testbed.context, leader, { ...wish, results: [second], claims: 0 });
  await retryRollout(testbed.context, { id });
  await expect(stepRollout(testbed.context, leader, wish)).rejects.toThrow(LostRolloutError);
  await lead(testbed);
  expect(await statusesOf(testbed, id)).toEqual({ SUCCEEDED: 3 });
});

test('a module has one open rollout, which the refusal names', async () => {
  const module = await behind();
  await expect(startRollout(testbed.context, { module: 'nothing' })).rejects.toMatchObject({
    code: 'MODULE_NOT_FOUND',
  });
  const starts = await Promise.allSettled([module.start(), module.start(), module.start()]);
  const started = starts.filter((start) => start.status === 'fulfilled');
  expect(started).toHaveLength(1);
  for (const start of starts)
    if (start.status === 'rejected')
      expect(start.reason).toMatchObject({
        code: 'CONFLICT',
        message: expect.stringContaining(`rollout ${started[0]?.value}`),
      });
  const again = { module: module.name, idempotencyKey: `again ${module.name}` };
  await cancelRollout(testbed.context, { id: started[0]?.value });
  const [one, two] = [await startRollout(testbed.context, again), await startRollout(testbed.context, again)];
  expect(two).toMatchObject({ rolloutId: one.rolloutId, repeated: true });
});

describe('a request that is repeated with its idempotency key gets its first answer when the files are wrong meanwhile', () => {
  const refusedFile = 'CREATE TABLE public.outside (id int);';

  test('startRollout', async () => {
    const module = await behind();
    const start = { module: module.name, idempotencyKey: `start ${module.name}` };
    const first = await startRollout(testbed.context, start);
    await module.write('0004_wrong.sql', refusedFile);
    expect(await startRollout(testbed.context, start)).toEqual({ ...first, repeated: true });
    await cancelRollout(testbed.context, { id: first.rolloutId });
    await expect(module.start()).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  test('retryRollout', async () => {
    const module = await testbed.takeModule();
    await module.write('0003_failing.sql', 'ALTER TABLE missing ADD COLUMN phone text;');
    const id = await module.start();
    await lead(testbed);
    const retry = { id, idempotencyKey: `retry ${id}` };
    const first = await retryRollout(testbed.context, retry);
    await module.write('0003_failing.sql', refusedFile);
    expect(await retryRollout(testbed.context, retry)).toEqual({ ...first, repeated: true });
    await expect(retryRollout(testbed.context, { id })).rejects.toMatchObject({
      message: expect.stringContaining('0003_failing.sql'),
    });
    await cancelRollout(testbed.context, { id });
  });
});

test('files that the rules refuse are not rolled out, and the refusal names file and line', async () => {
  const module = await behind();
  await module.write('0004_wrong.sql', 'SELECT 1;\nCREATE TABLE public.outside (id int);');
  await expect(module.start()).rejects.toMatchObject({
    code: 'CONFLICT',
    message: expect.stringContaining(`${module.name}/0004_wrong.sql:2: `),
  });
});

test('each state allows its commands, and each change is in the audit log with its actor', async () => {
  const module = await behind();
  const [left] = testbed.tenants;
  const id = await module.start();
  const refused = (work: Promise<unknown>) => expect(work).rejects.toMatchObject({ code: 'CONFLICT' });
  const { version } = await rolloutOf(testbed, id);
  await refused(resumeRollout(testbed.context, { id }));
  await refused(retryRollout(testbed.context, { id }));
  await expect(pauseRollout(testbed.context, { id, expectedVersion: version + 1 })).rejects.toMatchObject({
    code: 'VERSION_CONFLICT',
  });
  await pauseRollout(testbed.context, { id, reason: 'lunch', expectedVersion: version });
  await refused(pauseRollout(testbed.context, { id }));
  await lead(testbed);
  expect(await statusesOf(testbed, id)).toEqual({ QUEUED: 3 });
  await skipTenantInRollout(testbed.context, { id, tenantId: left?.slug, reason: 'is being tested' });
  await refused(skipTenantInRollout(testbed.context, { id, tenantId: left?.slug }));
  await resumeRollout(testbed.context, { id });
  await lead(testbed);
  expect((await resultsOf(testbed, id))[left?.slug ?? '']).toMatchObject({
    status: 'SKIPPED',
    error: 'is being tested',
  });
  expect(await rolloutOf(testbed, id)).toMatchObject({ status: 'SUCCEEDED' });
  for (const command of [pauseRollout, resumeRollout, retryRollout, cancelRollout])
    await refused(command(testbed.context, { id }));
  const log = await testbed.gateway.psql<{
    kind: string;
    actor: string;
    module: string;
    after: Record<string, unknown>;
  }>(
    `SELECT kind, actor, module, after FROM registry_change WHERE entity_id = $1 ORDER BY revision, position`,
    [id],
  );
  expect(log.map(({ kind, actor, module: of }) => [kind, actor, of])).toEqual(
    ['created', 'paused', 'updated', 'running', 'succeeded'].map((event) => [
      `rollout.${event}`,
      'developer',
      module.name,
    ]),
  );
  expect(log[1]?.after).toMatchObject({ pause_reason: 'lunch' });
  expect(log[2]?.after).toMatchObject({ last_skipped: left?.id });
});

test.each(['pauseRollout', 'skipTenantInRollout'] as const)(
  '%s of an unknown rollout is NOT_FOUND',
  async (name) => {
    const input = { id: crypto.randomUUID(), tenantId: testbed.tenants[0]?.slug };
    await expect(commands[name](testbed.context, input)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  },
);

test('a leader that was replaced writes nothing more, and its tenants are taken back', async () => {
  const module = await behind();
  const id = await module.start();
  const lost = await claimRollout(testbed.context, id, 15_000);
  if (!lost) throw new Error('not claimed');
  const wish = { results: [], returned: [], claims: 2, inFlight: 0 };
  const { claimed } = await stepRollout(testbed.context, lost, wish);
  expect(claimed).toHaveLength(2);
  expect(await claimRollout(testbed.context, id, 15_000)).toBeUndefined();
  const next = await claimRollout(testbed.context, id, -1_000);
  expect(next).toBeDefined();
  expect(await statusesOf(testbed, id)).toEqual({ QUEUED: 3 });
  const results = claimed.map(({ tenantId, generation }) => ({
    ...{ tenantId, generation, attempts: 1, durationMs: 1, status: 'FAILED' as const, toVersion: null },
    ...{ file: null, error: 'late', errorCode: null, violations: null },
  }));
  await expect(stepRollout(testbed.context, lost, { ...wish, results })).rejects.toThrow(LostRolloutError);
  await testbed.gateway.psql('UPDATE rollouts SET heartbeat_at = NULL WHERE id = $1', [id]);
  await lead(testbed);
  expect(await statusesOf(testbed, id)).toEqual({ SUCCEEDED: 3 });
});

describe('a leader that was killed leaves no tenant RUNNING in a rollout that is', () => {
  test.each<[string, typeof cancelRollout, forget: boolean, status: string]>([
    ['cancelled', cancelRollout, false, 'SKIPPED'],
    ['cancelled, after a start that forgets all leaders', cancelRollout, true, 'SKIPPED'],
    ['paused', pauseRollout, false, 'QUEUED'],
    ['paused, after a start that forgets all leaders', pauseRollout, true, 'QUEUED'],
  ])('%s, also where the files are others now', async (_name, command, forgets, status) => {
    const module = await behind();
    const id = await module.start();
    const killed = await claimRollout(testbed.context, id, 15_000);
    if (!killed) throw new Error('not claimed');
    await stepRollout(testbed.context, killed, { results: [], returned: [], claims: 2, inFlight: 0 });
    await command(testbed.context, { id });
    expect(await statusesOf(testbed, id)).toMatchObject({ RUNNING: 2 });
    await testbed.remove(`${module.name}/0003_phones.sql`);
    if (forgets) await forgetLeaders(testbed.context);
    else await testbed.gateway.psql(`UPDATE rollouts SET heartbeat_at = 'epoch' WHERE id = $1`, [id]);
    await lead(testbed);
    expect(await statusesOf(testbed, id)).toEqual({ [status]: 3 });
    expect(await rolloutOf(testbed, id)).toMatchObject({ worker: null, heartbeatAt: null });
  });
});

describe('the reason of a pause', () => {
  /** A rollout with tenants that are being migrated, and the step that records their failure. */
  async function underWay() {
    const module = await behind();
    const id = await module.start();
    const held = await claimRollout(testbed.context, id, 15_000);
    if (!held) throw new Error('not claimed');
    const wish = { results: [], returned: [], claims: 3, inFlight: 0 };
    const { claimed } = await stepRollout(testbed.context, held, wish);
    const fail = (...tenants: (typeof claimed)[number][]) =>
      stepRollout(testbed.context, held, {
        ...{ returned: [], claims: 0, inFlight: 1 },
        results: tenants.map(({ tenantId, generation }) => ({
          ...{ tenantId, generation, attempts: 1, durationMs: 1, status: 'FAILED' as const, toVersion: null },
          ...{ file: null, error: 'x'.repeat(10_000), errorCode: null, violations: null },
        })),
      });
    return { id, claimed, fail };
  }

  test('of a spent budget counts those that fail after it, and a failure keeps the begin of its message', async () => {
    const { id, claimed, fail } = await underWay();
    const [one, ...others] = claimed;
    if (one) await fail(one);
    expect((await rolloutOf(testbed, id)).pauseReason).toContain('1 of 3 tenants failed');
    await fail(...others);
    const { status, pauseReason } = await rolloutOf(testbed, id);
    expect([status, pauseReason]).toEqual(['PAUSED', expect.stringContaining('3 of 3 tenants failed')]);
    for (const { error } of Object.values(await resultsOf(testbed, id))) expect(error).toHaveLength(4_001);
  });

  test('of a person stays', async () => {
    const { id, claimed, fail } = await underWay();
    await pauseRollout(testbed.context, { id, reason: 'lunch' });
    await fail(...claimed);
    expect(await rolloutOf(testbed, id)).toMatchObject({ status: 'PAUSED', pauseReason: 'lunch' });
  });
});

test('tenants of the canary that are named more than once, by slug, id and external id, are counted once', async () => {
  const module = await behind();
  const [one, other] = testbed.tenants;
  // Upper and lower case of external ids differ, so this is no name of the other tenant.
  const externalId = other?.slug.toUpperCase();
  await addTenantExternalId(testbed.context, { tenantId: one?.id, externalId });
  const id = await module.start({
    canary: { tenantIds: [one?.slug, one?.id, one?.id.toUpperCase(), externalId] },
  });
  const results = await resultsOf(testbed, id);
  expect(Object.entries(results).filter(([, { wave }]) => wave === 0)).toMatchObject([[one?.slug, {}]]);
  expect(await rolloutOf(testbed, id)).toMatchObject({ canaryTenants: 1 });
  await cancelRollout(testbed.context, { id });
});

test.each<[string, before: string[], after: (string | null)[]]>([
  ['with another check', ['SELECT 1 WHERE false', ''], ['SELECT 2 WHERE false', '']],
  ['without the check', ['SELECT 1 WHERE false', ''], [null, '']],
  [
    'with a check that was not there',
    ['', 'SELECT 1 WHERE false'],
    ['SELECT 1 WHERE false', 'SELECT 1 WHERE false'],
  ],
  ['with another verification', ['', 'SELECT 1 WHERE false'], ['', 'SELECT 2 WHERE false']],
])('a process %s does not lead, until a retry takes it over', async (_name, before, after) => {
  const module = await behind();
  const write = async (texts: readonly (string | null)[]) => {
    for (const [at, kind] of ['check', 'verify'].entries()) {
      const file = `0003_phones.${kind}.sql`;
      if (texts[at]) await module.write(file, texts[at]);
      else if (texts[at] === null) await testbed.remove(`${module.name}/${file}`);
    }
  };
  await write(before);
  const id = await module.start();
  await write(after);
  await lead(testbed);
  expect(await statusesOf(testbed, id)).toEqual({ QUEUED: 3 });
  await testbed.gateway.psql(
    `UPDATE rollout_tenants SET status = 'failed', finished_at = now() WHERE rollout_id = $1`,
    [id],
  );
  await retryRollout(testbed.context, { id });
  await lead(testbed);
  expect(await statusesOf(testbed, id)).toEqual({ SUCCEEDED: 3 });
});

test('a process that does not know the database of the module does not lead, so that no tenant fails', async () => {
  const module = await behind();
  const id = await module.start();
  const problem = 'variable CRM_DB_URL is not set';
  const serviceDatabases = Object.create(testbed.context.serviceDatabases, {
    findProblem: { value: () => problem },
  });
  const duty = new RolloutDuty({ heartbeatMs: 5_000, takeOverAfterMs: 15_000 });
  await duty.run({ ...testbed.context, serviceDatabases }, new AbortController().signal);
  await duty.ended();
  expect(duty.refused.get(id)).toBe(problem);
  expect(await statusesOf(testbed, id)).toEqual({ QUEUED: 3 });
  await cancelRollout(testbed.context, { id });
});

test('a process with other files does not lead, and files added later wait for the next rollout', async () => {
  const module = await behind();
  const id = await module.start();
  await module.write('0003_phones.sql', 'ALTER TABLE contact ADD COLUMN fax text;');
  await module.write('0004_tags.sql', 'CREATE TABLE tag (id int);');
  await lead(testbed);
  expect(await statusesOf(testbed, id)).toEqual({ QUEUED: 3 });
  expect(await rolloutOf(testbed, id)).toMatchObject({ status: 'RUNNING', worker: null, heartbeatAt: null });
  await module.write('0003_phones.sql', phones);
  await lead(testbed);
  expect(new Set(Object.values(await module.versions()))).toEqual(
    new Set([`${module.name}/0003_phones.sql`]),
  );
  const next = await module.start();
  await lead(testbed);
  expect(await rolloutOf(testbed, next)).toMatchObject({ status: 'SUCCEEDED' });
  expect(new Set(Object.values(await module.versions()))).toEqual(new Set([`${module.name}/0004_tags.sql`]));
});

test('a tenant whose storage was made with older files while the rollout ran is migrated with the last wave', async () => {
  const module = await behind();
  const [late] = testbed.tenants;
  const setStatus = (status: string) =>
    testbed.gateway.psql(
      `UPDATE module_subscriptions SET status = '${status}' WHERE module = '${module.name}' AND tenant_id = '${late?.id}'`,
    );
  await setStatus('provisioning');
  const id = await module.start();
  expect(await statusesOf(testbed, id)).toEqual({ QUEUED: 2 });
  await setStatus('active');
  await lead(testbed);
  expect(await statusesOf(testbed, id)).toEqual({ SUCCEEDED: 3 });
});

test('lists go on where the page before ended', async () => {
  const module = await behind();
  const ids = [await module.start()];
  await cancelRollout(testbed.context, { id: ids[0] });
  ids.push(await module.start({ waves: 3 }));
  const { database } = testbed.context;
  const page = { isDescending: true, isFromEnd: false, after: undefined, before: undefined, limit: 1 };
  const [newest] = await listRolloutPage(database, { moduleName: module.name }, page);
  const [older, ...none] = await listRolloutPage(
    database,
    { moduleName: module.name },
    { ...page, after: newest, limit: 5 },
  );
  expect([newest?.id, older?.id, none]).toEqual([ids[1], ids[0], []]);
  const listed = await listRollouts(database, { moduleName: module.name, first: 1 });
  expect([listed.rollouts.map(({ id }) => id), listed.hasMore]).toEqual([[ids[1]], true]);

  const read = async (id: string | undefined, more: object) => {
    const found = [];
    for (let after: { value: string; id: string } | undefined; ; ) {
      const selection = { rolloutId: id ?? '', statuses: undefined, wave: undefined, ...more };
      const entries = await listRolloutTenants(database, selection, {
        ...page,
        isDescending: false,
        after,
        limit: 2,
      });
      found.push(...entries.map(({ node }) => node));
      after = entries.at(-1);
      if (!after) return found;
    }
  };
  const all = await read(ids[1], {});
  expect(all.map(({ wave }) => wave)).toEqual([1, 2, 3]);
  expect(all.map(({ tenantSlug }) => tenantSlug).sort()).toEqual(
    testbed.tenants.map(({ slug }) => slug).sort(),
  );
  expect(await read(ids[1], { wave: 2 })).toEqual([all[1]]);
  expect(await read(ids[1], { statuses: ['FAILED', 'BLOCKED'] })).toEqual([]);
  const skipped = await read(ids[0], { statuses: ['SKIPPED', 'FAILED'] });
  expect(skipped).toHaveLength(3);
  expect(skipped[0]?.finishedAt).toBeInstanceOf(Date);
});
