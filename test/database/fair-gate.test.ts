import { describe, expect, test } from 'vitest';
import { FairGate } from '../../src/database/connections/fair-gate.js';

const never = new AbortController().signal;

/** A gate whose works a test ends by hand. */
function openGate(places: number, placesPerKey: number, waitingPerKey = 100) {
  const gate = new FairGate({ places, placesPerKey, waitingPerKey });
  const running: { key: string; leave: () => void }[] = [];
  const enter = async (key: string, signal = never) => {
    const entered = await gate.enter(key, signal);
    if (typeof entered === 'string') return entered;
    running.push({ key, leave: entered });
    return 'entered';
  };
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    enter,
    keys: async () => {
      await settle();
      return running.map(({ key }) => key);
    },
    async leave(key: string) {
      const at = running.findIndex((one) => one.key === key);
      running.splice(at, 1)[0]?.leave();
      await settle();
    },
  };
}

describe('a gate', () => {
  test('lets one key take only its share, and the others in at once', async () => {
    const gate = openGate(4, 2);
    for (let at = 0; at < 10; at++) void gate.enter('a');
    void gate.enter('b');
    expect(await gate.keys()).toEqual(['a', 'a', 'b']);
  });

  test('gives a free place to the key with the fewest works, whoever came first', async () => {
    const gate = openGate(3, 2);
    for (let at = 0; at < 5; at++) void gate.enter('a');
    void gate.enter('b');
    void gate.enter('c');
    expect(await gate.keys()).toEqual(['a', 'a', 'b']);
    await gate.leave('a');
    expect(await gate.keys()).toEqual(['a', 'b', 'c']);
    await gate.leave('b');
    expect(await gate.keys()).toEqual(['a', 'c', 'a']);
  });

  test('counts a place that was given back twice once', async () => {
    const gate = new FairGate({ places: 1, placesPerKey: 1, waitingPerKey: 9 });
    const leave = await gate.enter('a', never);
    if (typeof leave === 'string') throw new Error(leave);
    leave();
    leave();
    await gate.enter('a', never);
    expect(gate.running).toBe(1);
  });

  test('refuses a key that waits too often, and what waits when its signal is aborted', async () => {
    const gate = openGate(2, 1, 1);
    const late = new AbortController();
    expect(await gate.enter('a')).toBe('entered');
    const waiting = gate.enter('a', late.signal);
    expect(await gate.enter('a')).toBe('key is busy');
    late.abort();
    expect(await waiting).toBe('key is busy');
    expect(await gate.enter('b')).toBe('entered');
    const other = new AbortController();
    const third = gate.enter('c', other.signal);
    other.abort();
    expect(await third).toBe('gate is busy');
    await gate.leave('a');
    expect(await gate.enter('c')).toBe('entered');
  });
});
