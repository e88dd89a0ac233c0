import { describe, expect, test } from 'vitest';
import { Turns } from '../../src/feed/turns.js';

/** Runs turns beside other work of the event loop; returns how many turns there were between two pieces of it. */
async function turnsBetweenOtherWork(count: number, turn: (at: number) => void): Promise<number[]> {
  const turns = new Turns();
  const runs: number[] = [];
  let run = 0;
  let isOver = false;
  // An immediate of an immediate runs in the next iteration of the loop, as an answer on a socket would.
  const otherWork = () => {
    runs.push(run);
    run = 0;
    if (!isOver) setImmediate(otherWork);
  };
  setImmediate(otherWork);
  const done = Array.from({ length: count }, (_, at) =>
    turns.take().then(() => {
      run++;
      turn(at);
    }),
  );
  await Promise.all(done);
  isOver = true;
  runs.push(run);
  return runs.filter((length) => length > 0);
}

function holdLoop(ms: number): void {
  for (const until = performance.now() + ms; performance.now() < until; );
}

describe('streams work in turns', () => {
  test('in the order in which they asked, all of them', async () => {
    const order: number[] = [];
    await turnsBetweenOtherWork(1_000, (at) => order.push(at));
    expect(order).toEqual(Array.from({ length: 1_000 }, (_, at) => at));
  });

  test('and other work goes on between slices of them', async () => {
    const runs = await turnsBetweenOtherWork(1_000, () => undefined);
    expect(Math.max(...runs)).toBeLessThanOrEqual(50);
  });

  test('a turn that takes long is the only one of its slice, with what its promises do', async () => {
    const runs = await turnsBetweenOtherWork(10, () => holdLoop(2));
    expect(runs).toEqual(Array(10).fill(1));
  });

  test('one that is asked for during a turn comes in a later slice', async () => {
    const turns = new Turns();
    const seen: string[] = [];
    const again = turns.take().then(() => {
      seen.push('first');
      setImmediate(() => seen.push('other work'));
      return turns.take().then(() => seen.push('second'));
    });
    await again;
    expect(seen).toEqual(['first', 'other work', 'second']);
  });
});
