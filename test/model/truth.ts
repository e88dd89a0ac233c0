import type { State, World } from './state.js';
import * as fields from './state.js';

// A copy: looking into another module each time takes three times as long.
const at = { ...fields };

// What is kept of a point: whether its commit touched the tenant (1), since when what was read there is overtaken (2 and 4),
// and whether it was the newest once (8).
const touched = 1;
const oneTick = 2;
const ages = 6;
const newestOnce = 8;

/** A revision of an epoch as one number; 0 is none. Points are ordered as history goes: by epoch, then by revision. */
export function pointOf(world: World, epoch: number, revision: number): number {
  return 1 + epoch * (world.commits + 1) + revision;
}

export function epochOf(world: World, point: number): number {
  return ((point - 1) / (world.commits + 1)) | 0;
}

export function revisionOf(world: World, point: number): number {
  return (point - 1) % (world.commits + 1);
}

export function newest(world: World, state: State): number {
  return pointOf(world, state[at.epoch] as number, state[at.head] as number);
}

/** Whether a load can have read it. */
export function wasNewest(state: State, point: number): boolean {
  return (state[at.version(point)] as number) >= newestOnce;
}

/** The newest revision in (after, upTo] that touched the tenant; 0 when there is none. */
export function lastTouch(world: World, state: State, epoch: number, after: number, upTo: number): number {
  const start = at.version(pointOf(world, epoch, 0));
  for (let revision = upTo; revision > after; revision--)
    if (((state[start + revision] as number) & touched) === touched) return revision;
  return 0;
}

/** The route alternates: every change of the tenant suspends or resumes it. */
export function isActive(world: World, state: State, point: number): boolean {
  const start = at.version(pointOf(world, epochOf(world, point), 0));
  let touches = 0;
  for (let revision = revisionOf(world, point); revision > 0; revision--)
    touches += (state[start + revision] as number) & touched;
  return touches % 2 === 0;
}

/** 0 while what was read at a point is the truth, else 1 + how many ticks ago it ceased to be; not counted above 1 + D. */
export function ageOf(state: State, point: number): number {
  return ((state[at.version(point)] as number) & ages) >> 1;
}

export function beginHistory(state: State): void {
  state[at.version(1)] = newestOnce;
}

export function commit(world: World, state: State, touchesTenant: boolean): void {
  const epoch = state[at.epoch] as number;
  const revision = (state[at.head] as number) + 1;
  if (touchesTenant) overtake(world, state);
  state[at.head] = revision;
  state[at.version(pointOf(world, epoch, revision))] = newestOnce | (touchesTenant ? touched : 0);
}

/** Another history begins, which shares the revisions up to `kept` with the one that it replaces. */
export function beginEpoch(world: World, state: State, kept: number): void {
  const replaced = state[at.epoch] as number;
  overtake(world, state);
  for (let revision = 1; revision <= kept; revision++)
    state[at.version(pointOf(world, replaced + 1, revision))] =
      (state[at.version(pointOf(world, replaced, revision))] as number) & touched;
  const start = at.version(pointOf(world, replaced + 1, kept));
  state[start] = (state[start] as number) | newestOnce;
  state[at.epoch] = replaced + 1;
  state[at.kept(replaced + 1)] = kept;
  state[at.head] = kept;
}

/** The truth about the tenant changes: whatever was read in this epoch so far begins to age. */
function overtake(world: World, state: State): void {
  const last = newest(world, state);
  for (let point = pointOf(world, state[at.epoch] as number, 0); point <= last; point++)
    if (wasNewest(state, point) && ageOf(state, point) === 0)
      state[at.version(point)] = (state[at.version(point)] as number) + oneTick;
}

export function growOlder(world: World, state: State): void {
  for (let point = newest(world, state); point > 0; point--) {
    const age = ageOf(state, point);
    if (age > 0 && age <= world.staleness)
      state[at.version(point)] = (state[at.version(point)] as number) + oneTick;
  }
}

/** Whether what was read at a point was never, or is no longer, so in the history of an epoch. */
export function isForeign(world: World, state: State, point: number, epoch: number): boolean {
  const own = epochOf(world, point);
  if (own === epoch) return false;
  let shared = world.commits;
  for (let later = Math.min(own, epoch) + 1; later <= Math.max(own, epoch); later++)
    shared = Math.min(shared, state[at.kept(later)] as number);
  return lastTouch(world, state, own, 0, revisionOf(world, point)) > shared;
}
