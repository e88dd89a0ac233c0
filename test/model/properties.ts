import type { Model, State } from './state.js';
import * as fields from './state.js';
import { ageOf, epochOf, isActive, isForeign, lastTouch, newest, revisionOf, wasNewest } from './truth.js';

// A local copy: a lookup in another module each time takes three times as long.
const at = { ...fields };

/** The properties that the protocol promises; I7 and I9 are about names and the resource. */
export type Property = 'I1' | 'I2' | 'I4' | 'I5' | 'I6' | 'I8';

export const properties: Readonly<Record<Property, string>> = {
  I1: 'what is answered was current less than D ago',
  I2: 'an answer is not older than the token: of an earlier answer (I2) or of an own change (I3)',
  I4: 'after an acknowledgement nothing older is answered',
  I5: 'nothing is stored that the gateway knows to be overtaken, nor over something newer',
  I6: 'epochs do not mix',
  I8: 'a gateway that has read of a suspend answers no ACTIVE from before it',
};

/** Whether a gateway treats an entry as current. */
export function isCurrent(model: Model, state: State, replica: number, point: number): boolean {
  const { rules } = model;
  const position = state[replica + at.position] as number;
  if (rules.lease ? state[replica + at.lease] === 0 : position === 0) return false;
  if (rules.epochCheck && epochOf(model, position) !== epochOf(model, point)) return false;
  return revisionOf(model, point) >= (state[replica + at.floor] as number);
}

/** Whether a gateway answers with an entry of a tier. */
export function isUsable(model: Model, state: State, replica: number, point: number): boolean {
  return !model.rules.checkOnRead || isCurrent(model, state, replica, point);
}

/** Whether an entry is at least as new as a token. */
function reaches(model: Model, point: number, token: number): boolean {
  const { rules } = model;
  if (!rules.token) return true;
  if (rules.tokenEpoch && epochOf(model, token) !== epochOf(model, point)) return false;
  return revisionOf(model, point) >= revisionOf(model, token);
}

/** Returns the property that an answer breaks when it is given now to a current request. */
export function breaks(model: Model, state: State, replica: number, point: number): Property | undefined {
  const position = state[replica + at.position] as number;
  if (position !== 0 && isForeign(model, state, point, epochOf(model, position))) return 'I6';
  if (position !== 0 && isFromBeforeSuspend(model, state, point, position)) return 'I8';
  if (isFromBefore(model, state, point, state[at.acked] as number)) return 'I4';
  return isTooOld(model, state, point) ? 'I1' : undefined;
}

export function isTooOld(model: Model, state: State, point: number): boolean {
  return ageOf(state, point) > model.staleness;
}

function isFromBefore(model: Model, state: State, point: number, acked: number): boolean {
  if (acked === 0 || point >= acked) return false;
  const epoch = epochOf(model, acked);
  if (epochOf(model, point) !== epoch) return true;
  return lastTouch(model, state, epoch, revisionOf(model, point), revisionOf(model, acked)) > 0;
}

function isFromBeforeSuspend(model: Model, state: State, point: number, position: number): boolean {
  const epoch = epochOf(model, position);
  if (epochOf(model, point) !== epoch || !isActive(model, state, point)) return false;
  return lastTouch(model, state, epoch, revisionOf(model, point), revisionOf(model, position)) > 0;
}

/** Returns the property that storing a load breaks. */
export function breaksWhenStored(
  model: Model,
  state: State,
  replica: number,
  point: number,
): Property | undefined {
  const position = state[replica + at.position] as number;
  if (position === 0 || epochOf(model, position) !== epochOf(model, point)) return 'I6';
  const [from, to] = [revisionOf(model, point), revisionOf(model, position)];
  return lastTouch(model, state, epochOf(model, position), from, to) > 0 ? 'I5' : undefined;
}

export interface Answer {
  property: Property;
  replica: number;
  point: number;
  /** The client's token, if it sent one. */
  token?: number;
}

/** Returns the first wrong answer among all answers that tiers may give in this state. */
export function findBroken(model: Model, state: State): Answer | undefined {
  const last = newest(model, state);
  for (let replica = at.first; replica <= at.second; replica += at.replicaFields) {
    for (let point = 1; point <= last; point++) {
      if (!wasNewest(state, point) || !isUsable(model, state, replica, point)) continue;
      if (model.hasMemory && state[replica + at.memory] !== point) continue;
      const property = breaks(model, state, replica, point);
      if (property) return { property, replica, point };
      // Points are ordered by epoch, then by revision.
      for (let token = point + 1; token <= last; token++)
        if (wasNewest(state, token) && reaches(model, point, token))
          return { property: 'I2', replica, point, token };
    }
  }
  return undefined;
}
