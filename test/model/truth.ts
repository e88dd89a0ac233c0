import type { Model, State } from './state.js';
import * as fields from './state.js';

// A local copy: a lookup in another module each time takes three times as long.
const at = { ...fields };

// The flags of a point: whether its commit changed the tenant (1), since when a value read there is stale (2 and 4),
// and whether it was once the newest (8).
const touched = 1;
const oneTick = 2;
const ages = 6;
const newestOnce = 8;

/** Encodes a revision of an epoch as one number; 0 means none. Points are ordered by epoch, then by revision. */
export function pointOf(model: Model, epoch: number, revision: number): number {
  return 1 + epoch * (model.commits + 1) + revision;
}

export function epochOf(model: Model, point: number): number {
  return ((point - 1) / (model.commits + 1)) | 0;
}

export function revisionOf(model: Model, point: number): number {
  return (point - 1) % (model.commits + 1);
}

export function newest(model: Model, state: State): number {
  return pointOf(model, state[at.epoch] as number, state[at.head] as number);
}

/** Whether a load can have read this point. */
export function wasNewest(state: State, point: number): boolean {
  return (state[at.version(point)] as number) >= newestOnce;
}

/** Returns the newest revision in (after, upTo] that changed the tenant; 0 when there is none. */
export function lastTouch(model: Model, state: State, epoch: number, after: number, upTo: number): number {
  const start = at.version(pointOf(model, epoch, 0));
  for (let revision = upTo; revision > after; revision--)
    if (((state[start + revision] as number) & touched) === touched) return revision;
  return 0;
}

/** The route alternates: every change of the tenant suspends or resumes it. */
export function isActive(model: Model, state: State, point: number): boolean {
  const start = at.version(pointOf(model, epochOf(model, point), 0));
  let touches = 0;
  for (let revision = revisionOf(model, point); revision > 0; revision--)
    touches += (state[start + revision] as number) & touched;
  return touches % 2 === 0;
}

/**
 * Returns 0 while a value read at a point is current, otherwise 1 + the ticks since it became stale, up to 1 + the
 * staleness bound.
 */
export function ageOf(state: State, point: number): number {
  return ((state[at.version(point)] as number) & ages) >> 1;
}

export function beginHistory(state: State): void {
  state[at.version(1)] = newestOnce;
}

export function commit(model: Model, state: State, touchesTenant: boolean): void {
  const epoch = state[at.epoch] as number;
  const revision = (state[at.head] as number) + 1;
  if (touchesTenant) overtake(model, state);
  state[at.head] = revision;
  state[at.version(pointOf(model, epoch, revision))] = newestOnce | (touchesTenant ? touched : 0);
}

/** Begins another history, which shares the revisions up to `kept` with the replaced one. */
export function beginEpoch(model: Model, state: State, kept: number): void {
  const replaced = state[at.epoch] as number;
  overtake(model, state);
  for (let revision = 1; revision <= kept; revision++)
    state[at.version(pointOf(model, replaced + 1, revision))] =
      (state[at.version(pointOf(model, replaced, revision))] as number) & touched;
  const start = at.version(pointOf(model, replaced + 1, kept));
  state[start] = (state[start] as number) | newestOnce;
  state[at.epoch] = replaced + 1;
  state[at.kept(replaced + 1)] = kept;
  state[at.head] = kept;
}

/** The tenant changes: values read in this epoch so far begin to age. */
function overtake(model: Model, state: State): void {
  const last = newest(model, state);
  for (let point = pointOf(model, state[at.epoch] as number, 0); point <= last; point++)
    if (wasNewest(state, point) && ageOf(state, point) === 0)
      state[at.version(point)] = (state[at.version(point)] as number) + oneTick;
}

export function growOlder(model: Model, state: State): void {
  for (let point = newest(model, state); point > 0; point--) {
    const age = ageOf(state, point);
    if (age > 0 && age <= model.staleness)
      state[at.version(point)] = (state[at.version(point)] as number) + oneTick;
  }
}

/** Whether a value read at a point is not, or is no longer, part of the history of an epoch. */
export function isForeign(model: Model, state: State, point: number, epoch: number): boolean {
  const own = epochOf(model, point);
  if (own === epoch) return false;
  let shared = model.commits;
  for (let later = Math.min(own, epoch) + 1; later <= Math.max(own, epoch); later++)
    shared = Math.min(shared, state[at.kept(later)] as number);
  return lastTouch(model, state, own, 0, revisionOf(model, point)) > shared;
}
