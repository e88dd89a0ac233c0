import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Rounds } from '../../src/feed/rounds.js';
import { Turns } from '../../src/feed/turns.js';

let rounds: Rounds;
let woken: string[];
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'performance'] });
  rounds = new Rounds(new Turns());
  woken = [];
});
afterEach(() => void vi.useRealTimers());

function sleep(name: string) {
  const slept = rounds.sleep();
  void slept.woken.then(() => woken.push(name));
  return slept;
}

describe('sleepers are woken in rounds', () => {
  test('after a quiet time at once, and then once for all changes of 50 ms', async () => {
    sleep('a');
    rounds.request();
    await vi.advanceTimersByTimeAsync(1);
    expect(woken).toEqual(['a']);
    sleep('a');
    sleep('b');
    for (let change = 0; change < 10; change++) {
      rounds.request();
      await vi.advanceTimersByTimeAsync(4);
    }
    expect(woken).toEqual(['a']);
    await vi.advanceTimersByTimeAsync(20);
    expect(woken).toEqual(['a', 'a', 'b']);
    sleep('c');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(woken).toEqual(['a', 'a', 'b']);
    rounds.request();
    await vi.advanceTimersByTimeAsync(1);
    expect(woken).toEqual(['a', 'a', 'b', 'c']);
  });

  test('one that sleeps again during a round waits for the next one', async () => {
    void rounds.sleep().woken.then(() => sleep('again'));
    rounds.request();
    await vi.advanceTimersByTimeAsync(10);
    expect(woken).toEqual([]);
    rounds.request();
    await vi.advanceTimersByTimeAsync(50);
    expect(woken).toEqual(['again']);
  });

  test('the pause begins when all of a round have had their turn', async () => {
    const held: (() => void)[] = [];
    const turns = new Turns();
    turns.add = (begin) => void held.push(begin);
    rounds = new Rounds(turns);
    sleep('a');
    rounds.request();
    sleep('b');
    rounds.request();
    await vi.advanceTimersByTimeAsync(1_000);
    for (const begin of held.splice(0)) begin();
    await vi.advanceTimersByTimeAsync(49);
    expect([woken, held.length]).toEqual([['a'], 0]);
    await vi.advanceTimersByTimeAsync(1);
    for (const begin of held.splice(0)) begin();
    await Promise.resolve();
    expect(woken).toEqual(['a', 'b']);
  });

  test('one that leaves is woken at once, also in a round that has begun', async () => {
    const leaving = sleep('a');
    sleep('b');
    rounds.request();
    leaving.cancel();
    await Promise.resolve();
    expect(woken).toEqual(['a']);
    await vi.advanceTimersByTimeAsync(10);
    expect(woken).toEqual(['a', 'b']);
  });

  test('all of them at the end', async () => {
    rounds.request();
    sleep('a');
    sleep('b');
    rounds.wakeAll();
    await Promise.resolve();
    expect(woken).toEqual(['a', 'b']);
  });
});
