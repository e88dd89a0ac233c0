import type { State, World } from './state.js';
import * as fields from './state.js';
import { ageOf, epochOf, isActive, isForeign, lastTouch, newest, revisionOf, wasNewest } from './truth.js';

// A copy: looking into another module each time takes three times as long.
const at = { ...fields };

/** What the protocol promises; I7 and I9 are promises of names and of the resource. */
export type Property = 'I1' | 'I2' | 'I4' | 'I5' | 'I6' | 'I8';

export const properties: Readonly<Record<Property, string>> = {
  I1: 'what is answered was current less than D ago',
  I2: 'an answer is not older than the token: of an earlier answer (I2) or of an own change (I3)',
  I4: 'after an acknowledgement nothing older is answered',
  I5: 'nothing is stored that the gateway knows to be overtaken, nor over something newer',
  I6: 'epochs do not mix',
  I8: 'a gateway that has read of a suspend answers no ACTIVE from before it',
};

/** Whether a gateway treats an entry as the truth. */
export function isCurrent(world: World, state: State, replica: number, point: number): boolean {
  const { rules } = world;
  const position = state[replica + at.position] as number;
  if (rules.lease ? state[replica + at.lease] === 0 : position === 0) return false;
  if (rules.epochCheck && epochOf(world, position) !== epochOf(world, point)) return false;
  return revisionOf(world, point) >= (state[replica + at.floor] as number);
}

/** Whether it answers with an entry of a tier. */
export function isUsable(world: World, state: State, replica: number, point: number): boolean {
  return !world.rules.checkOnRead || isCurrent(world, state, replica, point);
}

/** Whether an entry is as new as a token asks for. */
function reaches(world: World, point: number, token: number): boolean {
  const { rules } = world;
  if (!rules.token) return true;
  if (rules.tokenEpoch && epochOf(world, token) !== epochOf(world, point)) return false;
  return revisionOf(world, point) >= revisionOf(world, token);
}

/** What an answer that is given now breaks, to somebody who asks now. */
export function breaks(world: World, state: State, replica: number, point: number): Property | undefined {
  const position = state[replica + at.position] as number;
  if (position !== 0 && isForeign(world, state, point, epochOf(world, position))) return 'I6';
  if (position !== 0 && isFromBeforeSuspend(world, state, point, position)) return 'I8';
  if (isFromBefore(world, state, point, state[at.acked] as number)) return 'I4';
  return isTooOld(world, state, point) ? 'I1' : undefined;
}

export function isTooOld(world: World, state: State, point: number): boolean {
  return ageOf(state, point) > world.staleness;
}

function isFromBefore(world: World, state: State, point: number, acked: number): boolean {
  if (acked === 0 || point >= acked) return false;
  const epoch = epochOf(world, acked);
  if (epochOf(world, point) !== epoch) return true;
  return lastTouch(world, state, epoch, revisionOf(world, point), revisionOf(world, acked)) > 0;
}

function isFromBeforeSuspend(world: World, state: State, point: number, position: number): boolean {
  const epoch = epochOf(world, position);
  if (epochOf(world, point) !== epoch || !isActive(world, state, point)) return false;
  return lastTouch(world, state, epoch, revisionOf(world, point), revisionOf(world, position)) > 0;
}

/** What storing a load breaks. */
export function breaksWhenStored(
  world: World,
  state: State,
  replica: number,
  point: number,
): Property | undefined {
  const position = state[replica + at.position] as number;
  if (position === 0 || epochOf(world, position) !== epochOf(world, point)) return 'I6';
  const [from, to] = [revisionOf(world, point), revisionOf(world, position)];
  return lastTouch(world, state, epochOf(world, position), from, to) > 0 ? 'I5' : undefined;
}

export interface Answer {
  property: Property;
  replica: number;
  point: number;
  /** The client's, if it brought one. */
  token?: number;
}

/** Of everything that may be answered from a tier in this state, the first that must not be. */
export function findBroken(world: World, state: State): Answer | undefined {
  const last = newest(world, state);
  for (let replica = at.first; replica <= at.second; replica += at.replicaFields) {
    for (let point = 1; point <= last; point++) {
      if (!wasNewest(state, point) || !isUsable(world, state, replica, point)) continue;
      if (world.hasMemory && state[replica + at.memory] !== point) continue;
      const property = breaks(world, state, replica, point);
      if (property) return { property, replica, point };
      // Points are ordered as history goes: by epoch, then by revision.
      for (let token = point + 1; token <= last; token++)
        if (wasNewest(state, token) && reaches(world, point, token))
          return { property: 'I2', replica, point, token };
    }
  }
  return undefined;
}
