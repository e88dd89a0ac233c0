import { describe, expect, test } from 'vitest';
import { describeStep, type StepLine, type TraceLine } from '../../src/feed/protocol-trace.js';
import { aChange, ScriptedFeed, stalenessMs } from '../protocol/support/scripted-feed.js';
import { replay } from './replay.js';

type Steps = (TraceLine & StepLine)[];

/**
 * The log of one gateway that begins, sees two changes, a lost poll, a failover and the loss of its row. The process may have to
 * wait between an answer and the line that tells it.
 */
async function record(waitMs = 0): Promise<TraceLine[]> {
  const feed = new ScriptedFeed();
  const lines: TraceLine[] = [];
  const say = (line: object) =>
    void lines.push({ replica: 'a', at: feed.now, stalenessMs, ...line } as TraceLine);
  const follower = feed.follow(
    undefined,
    0,
    (step) => say({ ...describeStep(step, (reference) => follower.floorOf(reference)), at: step.at }),
    () => {
      feed.now += waitMs;
    },
  );
  feed.onPoll = () => {
    feed.now += 40;
  };
  const poll = async () => {
    feed.now += 500;
    await follower.poll();
    await follower.poll();
  };
  await poll();
  feed.add(aChange(11n));
  await poll();
  feed.add(aChange(12n, { kind: 'api_key.created', tenantId: null, tenantSlug: null }));
  await poll();
  say({ step: 'acknowledged', epoch: 'first', revision: 12, how: 'reported', waitedMs: 3 });
  feed.onPoll = () => {
    feed.now += 40;
    throw new Error('lost');
  };
  await follower.poll().catch(() => undefined);
  feed.onPoll = () => {
    feed.now += 40;
  };
  feed.epoch = 'second';
  feed.changes = [];
  feed.head = 11n;
  feed.oldest = 5n;
  await poll();
  feed.hasRow = false;
  await poll();
  for (const until = feed.now + stalenessMs; feed.now < until; feed.now += 100) await follower.poll();
  await follower.stop();
  return lines;
}

/** The log with the first line of a step, after some others of it, changed. */
async function mutate(step: string, change: (line: Steps[number]) => void, skipped = 0): Promise<string[]> {
  const lines = structuredClone(await record()) as Steps;
  const line = lines.filter((one) => one.step === step)[skipped];
  if (!line) throw new Error(`there is no ${step} in the log`);
  change(line);
  return replay(lines).refused;
}

test('a gateway may wait between an answer and its line, and reports a new history from the end of the bound', async () => {
  const lines = (await record(300)) as Steps;
  const { epoch, at } = lines.findLast(({ step }) => step === 'begin') as Steps[number];
  const polls = lines.filter((line) => line.step === 'poll' && line.epoch === epoch && line.at > at);
  const settled = polls.filter(({ isSettled }) => isSettled);
  expect(settled.length).toBeGreaterThan(0);
  for (const poll of polls) expect(poll.isSettled).toBe(poll.at - at >= stalenessMs);
  expect(Number(settled[0]?.at) - at).toBeLessThan(stalenessMs + 200);
  expect(replay(lines).refused).toEqual([]);
});

test('every step of a right log is one that the model allows', async () => {
  const { refused, byStep } = replay(await record());
  expect(refused).toEqual([]);
  expect(Object.keys(byStep).sort()).toEqual(
    ['acknowledged', 'advance', 'begin', 'losePoll', 'noRow', 'poll', 'register', 'resync', 'stop'].sort(),
  );
});

describe('a wrong log is refused', () => {
  test.each<[string, string, (line: Steps[number]) => void, string, number?]>([
    [
      'a lease that begins with the answer',
      'advance',
      (line) => Object.assign(line, { leaseMs: line.leaseMs + 40 }),
      'its lease is too long',
    ],
    [
      'a lease after a lost poll',
      'losePoll',
      (line) => Object.assign(line, { leaseMs: stalenessMs }),
      'a longer lease without an answer',
    ],
    ['a lease without a row', 'noRow', (line) => Object.assign(line, { leaseMs: 100 }), 'lease'],
    ['a lease that a resync keeps', 'resync', (line) => Object.assign(line, { leaseMs: 100 }), 'lease'],
    [
      'a floor that a change has not raised',
      'advance',
      (line) => Object.assign(line.page ?? {}, { floor: 0 }),
      'its floor is too low',
      1,
    ],
    [
      'a base below the page',
      'begin',
      (line) => Object.assign(line.page ?? {}, { floor: 0 }),
      'its floor is too low',
      1,
    ],
    [
      'a position beyond the page',
      'advance',
      (line) => Object.assign(line.position ?? {}, { revision: 13 }),
      'position',
    ],
    [
      'a page of another epoch that continues',
      'resync',
      (line) => Object.assign(line, { step: 'advance' }),
      'no move',
    ],
    [
      'a gap that continues',
      'advance',
      (line) => Object.assign(line.page ?? {}, { since: Number(line.page?.since) + 1 }),
      'no move',
      1,
    ],
    [
      'a report of what is not applied',
      'poll',
      (line) => Object.assign(line.position ?? {}, { revision: 13 }),
      'another revision',
      2,
    ],
    [
      'a settled gateway after a failover',
      'begin',
      (line) => Object.assign(line, { isSettled: true }),
      'settled',
      1,
    ],
    [
      'a head that goes back',
      'advance',
      (line) => {
        if (line.page) Object.assign(line.page, { head: 10, since: 10, touched: 0 });
        line.position = { epoch: 'first', revision: 10 };
      },
      'head',
      3,
    ],
  ])('%s', async (_what, step, change, reason, skipped) => {
    const refused = await mutate(step, change, skipped);
    expect(refused[0]).toContain(reason);
  });

  test('an acknowledgement that a gateway has not reported', async () => {
    const lines = (await record()).filter((line) => line.at < 3_000 || line.step !== 'poll');
    const wrong = lines.map((line) => (line.step === 'acknowledged' ? { ...line, revision: 13 } : line));
    expect(replay(wrong).refused[0]).toContain('has not reported');
    const early = lines.map((line) =>
      line.step === 'acknowledged' ? { ...line, how: 'waited' as const } : line,
    );
    expect(replay(early).refused[0]).toContain('has not passed');
  });

  test('two primaries at once: an answer of the replaced one gives a lease', async () => {
    const lines = await record();
    const other = (await record()).filter(({ step }) => step !== 'acknowledged');
    const late = other.slice(0, 9).map((line) => ({ ...line, replica: 'b', at: line.at + 20_000 }));
    expect(replay([...lines, ...late]).refused[0]).toContain('replaced history');
  });
});

describe('an acknowledgement after a failover', () => {
  /** A gateway begins a new history and acknowledges a change, while another one is left with the replaced primary. */
  async function recordSplit(leaseMs: number): Promise<TraceLine[]> {
    const own = await record();
    const begun = own.findLast(({ step }) => step === 'begin') as Steps[number];
    const left = structuredClone(
      own.slice(
        0,
        own.findIndex(({ step }) => step === 'losePoll'),
      ),
    ) as Steps;
    const last = left.findLast(({ step }) => step === 'advance') as Steps[number];
    for (const line of left) line.replica = 'left';
    const at = begun.at + stalenessMs;
    const acknowledged = {
      ...{ replica: 'a', at, stalenessMs, step: 'acknowledged', epoch: begun.epoch, revision: 11 },
      ...{ how: 'reported', waitedMs: 3 },
    } as TraceLine;
    const polls = [at - 50, at + 50].flatMap((moment) => [
      { ...last, at: moment - 20, step: 'poll' as const, page: undefined, leaseMs },
      { ...last, at: moment, leaseMs },
    ]) as unknown as TraceLine[];
    return [...own.filter(({ at }) => at <= begun.at), ...left, ...polls, acknowledged];
  }
  const refusals = async (leaseMs: number) =>
    replay(await recordSplit(leaseMs)).refused.filter((line) => line.includes('"acknowledged"'));

  test('need not wait for a gateway that polls the replaced primary without a lease', async () => {
    expect(await refusals(0)).toEqual([]);
  });

  test('has to wait for one that holds a lease of it', async () => {
    expect(await refusals(1_000)).toEqual([
      expect.stringContaining('gateway left has not reported the revision'),
    ]);
  });
});

test('an acknowledgement need not wait for a gateway whose polls do not arrive, once its lease has ended', async () => {
  const lines = await record();
  const own = lines.slice(0, lines.findIndex(({ step }) => step === 'acknowledged') + 1);
  const first = own.pop();
  // It has never reported the change that is acknowledged.
  const silent = structuredClone(own as Steps).filter(({ position }) => (position?.revision ?? 0) < 12);
  for (const line of silent) line.replica = 'silent';
  const last = silent.findLast(({ step }) => step === 'advance') as Steps[number];
  const refusals = (ms: number) => {
    const at = last.at + ms;
    const unanswered = (['poll', 'losePoll'] as const).map((step, place) => {
      const moment = at - 60 + 30 * place;
      return {
        ...last,
        step,
        at: moment,
        page: undefined,
        leaseMs: Math.max(0, last.at + last.leaseMs - moment),
      };
    });
    const { refused } = replay([...own, ...silent, ...unanswered, { ...first, at }] as TraceLine[]);
    return refused.filter((line) => line.includes('gateway silent has not reported'));
  };
  expect(refusals(stalenessMs - 100)).toHaveLength(1);
  expect(refusals(stalenessMs + 100)).toEqual([]);
});
