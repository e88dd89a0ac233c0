import { expect, test } from 'vitest';
import { placeInLanes } from '../../../../src/admin/rollouts/progress/lane-places.js';

test('a tenant that goes on stays in its lane, and a new one takes a free lane', () => {
  const first = placeInLanes([], ['a', 'b', 'c'], 4);
  expect(first).toEqual(['a', 'b', 'c', undefined]);
  expect(placeInLanes(first, ['c', 'd', 'a'], 4)).toEqual(['a', 'd', 'c', undefined]);
  expect(placeInLanes(first, [], 4)).toEqual([undefined, undefined, undefined, undefined]);
});

test('more tenants than lanes, as after another worker has taken over, are all shown', () => {
  expect(placeInLanes(['a', undefined], ['b', 'a', 'c'], 2)).toEqual(['a', 'b', 'c']);
});
