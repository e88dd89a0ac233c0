import { describe, expect, test } from 'vitest';
import { isRedisInstalled } from '../setup/redis.js';
import { runChaos } from './support/chaos.js';
import { type Answered, type LogRow, route, suspended, Truth } from './support/chaos-truth.js';

describe.skipIf(!isRedisInstalled)('twenty seconds of chaos', () => {
  test('no client gets an answer that is stale, older than an earlier one, older than requested, or wrong', async () => {
    const report = await runChaos({ seconds: 20, services: 3 });
    const { seed, answers, mutations, faults, violations, unexcused, complaints } = report;
    const { steps, refusedSteps } = report;
    expect({ seed, violations, unexcused, complaints }).toEqual({
      seed,
      violations: [],
      unexcused: [],
      complaints: [],
    });
    expect(refusedSteps).toEqual([]);
    expect(steps).toBeGreaterThan(100);
    expect([answers > 200, mutations > 5, Object.keys(faults).length > 4]).toEqual([true, true, true]);
  });
});

describe('the check of answers', () => {
  const D = 1_000;
  /** Registered and subscribed at 100, suspended at 2,000, resumed at 4,000, each known to be committed 10 ms later. */
  const row = (revision: number, changedAt: number, kind: string, after: object): LogRow => ({
    ...{ revision, changedAt, kind },
    after: after as Record<string, unknown>,
    tenantId: 't',
  });
  const log = [
    row(1, 100, 'tenant.registered', { status: 'active' }),
    row(1, 100, 'subscription.created', { status: 'active', schema_name: 's' }),
    row(2, 2_000, 'tenant.suspended', { status: 'suspended', suspended_reason: 'why' }),
    row(3, 2_010, 'tenant.updated', { name: 'n' }),
    row(4, 4_000, 'tenant.resumed', { status: 'active', suspended_reason: null }),
    row(5, 4_010, 'tenant.updated', { name: 'm' }),
  ];
  const truth = new Truth(log, []);
  const judge = (answered: Partial<Answered> & { value: string; startedAt: number }, acknowledged = 0) =>
    truth.check(
      { subject: 'route/t', endedAt: answered.startedAt + 1, gateway: 'A', ...answered },
      { stalenessMs: D, acknowledged },
    )?.rule;

  test.each([
    ['the present', { value: route('s'), startedAt: 1_000, asOf: 1 }, 0],
    ['what was so within D', { value: route('s'), startedAt: 3_000 }, 0],
    ['a refusal without a revision', { value: suspended('why'), startedAt: 3_000 }, 2],
    ['an answer from before it existed', { value: 'TENANT_NOT_FOUND', startedAt: 50 }, 0],
    ['what became true while it was asked', { value: suspended('why'), startedAt: 1_500, endedAt: 2_001 }, 0],
    ['the same again, later', { value: route('s'), startedAt: 9_000, asOf: 5, token: 5 }, 5],
  ])('lets pass: %s', (_what, answered, acknowledged) => {
    expect(judge(answered, acknowledged)).toBeUndefined();
  });

  test.each([
    ['what was so longer ago than D', { value: route('s'), startedAt: 3_100 }, 0, 'too old'],
    ['what is still to come', { value: suspended('why'), startedAt: 1_500 }, 0, 'too old'],
    [
      'the old state after the new one was acknowledged',
      { value: route('s'), startedAt: 2_100 },
      2,
      'stale after ack',
    ],
    ['less than the token', { value: route('s'), startedAt: 2_100, token: 2 }, 0, 'older than its token'],
    [
      'a revision below the token',
      { value: route('s'), startedAt: 2_100, asOf: 1, token: 2 },
      0,
      'older than its token',
    ],
    [
      'a value that its revision did not have',
      { value: route('s'), startedAt: 2_100, asOf: 2 },
      0,
      'other value at its revision',
    ],
    ['what never was', { value: route('other'), startedAt: 2_100 }, 0, 'unknown value'],
    ['somebody’s reason', { value: suspended('because'), startedAt: 2_100 }, 0, 'unknown value'],
    ['a tenant that was there', { value: 'TENANT_NOT_FOUND', startedAt: 3_100 }, 0, 'too old'],
  ])('does not let pass: %s', (_what, answered, acknowledged, rule) => {
    expect(judge(answered, acknowledged)).toBe(rule);
  });
});
