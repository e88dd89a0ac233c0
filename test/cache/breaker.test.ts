import { beforeEach, expect, test } from 'vitest';
import { type Breaker, createBreaker } from '../../src/cache/breaker.js';

let now: number;
let breaker: Breaker;
let changes: string[];
/** How often something was tried, and how it ends. */
let tries: number;
let isSound: boolean;

beforeEach(() => {
  now = 1_000;
  changes = [];
  tries = 0;
  isSound = true;
  breaker = createBreaker(
    () => now,
    (isOpen) => changes.push(isOpen ? 'open' : 'closed'),
  );
});

const work = async () => {
  tries++;
  if (!isSound) throw new Error('away');
  return 'done';
};

/** One question, and whatever goes on behind it. */
async function ask(): Promise<string | undefined> {
  const answer = await breaker.attempt(work, work);
  await new Promise(setImmediate);
  return answer;
}

/** Asks every 10 ms for so long; how often it was tried. */
async function askFor(ms: number): Promise<number> {
  const before = tries;
  for (const until = now + ms; now < until; now += 10) await ask();
  return tries - before;
}

test('what succeeds is answered', async () => {
  expect(await ask()).toBe('done');
  expect(breaker.isOpen).toBe(false);
  expect(changes).toEqual([]);
});

test('one failure opens it, and from then on nothing is tried and nobody waits', async () => {
  isSound = false;
  expect(await ask()).toBeUndefined();
  expect(breaker.isOpen).toBe(true);
  expect(await askFor(250)).toBe(0);
  expect(changes).toEqual(['open']);
});

test('of many failures at the same time one is reported', async () => {
  isSound = false;
  await Promise.all([ask(), ask(), ask()]);
  expect(changes).toEqual(['open']);
});

test('a failure before anything could be tried is one too', async () => {
  const fails = () => {
    throw new Error('at once');
  };
  expect(await breaker.attempt(fails, work)).toBeUndefined();
  expect(breaker.isOpen).toBe(true);
});

test('after a pause a sample is tried behind the back of who asks, and its success closes it', async () => {
  isSound = false;
  await ask();
  isSound = true;
  now += 250;
  const answer = breaker.attempt(work, work);
  expect(tries).toBe(2);
  expect(await answer).toBeUndefined();
  await new Promise(setImmediate);
  expect(changes).toEqual(['open', 'closed']);
  expect(await ask()).toBe('done');
});

test('a sample that does not end is tried once', async () => {
  isSound = false;
  await breaker.attempt(work, () => {
    tries++;
    return new Promise(() => undefined);
  });
  expect(await askFor(60_000)).toBe(1);
});

test('pauses double up to five seconds', async () => {
  isSound = false;
  await ask();
  expect(await askFor(250 + 500 + 1_000 + 2_000 + 4_000 + 100)).toBe(5);
  expect(await askFor(50_000)).toBe(10);
});

test('one that comes and goes is left alone for longer each time', async () => {
  isSound = false;
  await ask();
  isSound = true;
  await askFor(300);
  expect(changes).toEqual(['open', 'closed']);
  isSound = false;
  await ask();
  expect(await askFor(500)).toBe(0);
  expect(await askFor(20)).toBe(1);
});

test('one that was sound for a while is given a short pause again', async () => {
  isSound = false;
  await ask();
  await askFor(3_000);
  isSound = true;
  await askFor(10_000);
  expect(breaker.isOpen).toBe(false);
  isSound = false;
  await ask();
  isSound = true;
  await askFor(300);
  expect(breaker.isOpen).toBe(false);
});
