import { expect, test } from 'vitest';
import { ServerPlaces } from '../../../src/provisioning/rollout/lead/server-places.js';

/** A rollout with so many tenants, which begins as many as it gets places for. */
function aRollout(places: ServerPlaces, server: string, parallelism: number, tenants: number) {
  const rollout = { left: tenants, working: 0, begin, end, places: places.join(server, parallelism, begin) };
  function begin() {
    while (rollout.left > 0 && rollout.working < parallelism && rollout.places.take()) {
      rollout.left--;
      rollout.working++;
    }
  }
  function end() {
    rollout.working--;
    rollout.places.leave();
    begin();
  }
  begin();
  return rollout;
}

test('rollouts on one server share the smaller parallelism and take turns, and those on another server do not count', () => {
  const places = new ServerPlaces();
  const large = aRollout(places, 'one:5432', 8, 100);
  expect(large.working).toBe(8);
  const small = aRollout(places, 'one:5432', 2, 3);
  const elsewhere = aRollout(places, 'two:5432', 4, 9);
  expect([large.working, small.working, elsewhere.working]).toEqual([8, 0, 4]);
  for (let ended = 0; ended < 7; ended++) large.end();
  expect([large.working, small.working]).toEqual([1, 1]);
  small.end();
  expect([large.working, small.working]).toEqual([2, 0]);
  large.end();
  expect([large.working, small.working]).toEqual([1, 1]);
});

test('a rollout that has no tenants to begin, or has ended, holds up no other', () => {
  const places = new ServerPlaces();
  const small = aRollout(places, 'one:5432', 1, 2);
  const large = aRollout(places, 'one:5432', 4, 100);
  small.left = 0;
  expect([small.working, large.working]).toEqual([1, 0]);
  small.end();
  expect([small.working, large.working]).toEqual([0, 1]);
  small.places[Symbol.dispose]();
  expect(large.working).toBe(4);
});
