import { beforeEach, expect, test } from 'vitest';
import { type Breaker, createBreaker } from '../../src/cache/breaker.js';

let now: number;
let breaker: Breaker;
let changes: string[];
/** The number of attempts, and their outcome. */
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

/** Sends one request, and waits for the work behind it. */
async function ask(): Promise<string | undefined> {
  const answer = await breaker.attempt(work, work);
  await new Promise(setImmediate);
  return answer;
}

/** Sends a request every 10 ms for that time; returns the number of attempts. */
async function askFor(ms: number): Promise<number> {
  const before = tries;
  for (const until = now + ms; now < until; now += 10) await ask();
  return tries - before;
}

test('a success is returned', async () => {
  expect(await ask()).toBe('done');
  expect(breaker.isOpen).toBe(false);
  expect(changes).toEqual([]);
});

test('one failure opens the breaker, and further requests return at once without an attempt', async () => {
  isSound = false;
  expect(await ask()).toBeUndefined();
  expect(breaker.isOpen).toBe(true);
  expect(await askFor(250)).toBe(0);
  expect(changes).toEqual(['open']);
});

test('many failures at the same time are reported once', async () => {
  isSound = false;
  await Promise.all([ask(), ask(), ask()]);
  expect(changes).toEqual(['open']);
});

test('a failure before the attempt counts as a failure', async () => {
  const fails = () => {
    throw new Error('at once');
  };
  expect(await breaker.attempt(fails, work)).toBeUndefined();
  expect(breaker.isOpen).toBe(true);
});

test('after a pause a sample runs in the background, and its success closes the breaker', async () => {
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

test('a sample that does not end runs once', async () => {
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

test('the pause gets longer each time when a server fails again soon', async () => {
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

test('the pause is short again when a server worked for a while', async () => {
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
