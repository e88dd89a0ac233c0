import { breaks, breaksWhenStored, isCurrent, isTooOld, isUsable, type Property } from '../properties.js';
import type { Model, State } from '../state.js';
import * as fields from '../state.js';
import { ageOf, epochOf, newest, wasNewest } from '../truth.js';
import type { Step } from './step.js';

// A local copy: a lookup in another module each time takes three times as long.
const at = { ...fields };

/**
 * The moves in which a load arrives: from every point that was once the newest, as late as possible. An answer from a
 * tier changes nothing and is checked in every state; see findBroken.
 */
export function moveReads(step: Step, replica: number): void {
  const { model, from } = step;
  const last = newest(model, from);
  for (let point = 1; point <= last; point++) {
    if (!wasNewest(from, point)) continue;
    if (model.hasMemory && isUsable(model, from, replica, point)) store(step, replica, point, 'copy');
    land(step, replica, point);
  }
}

/** A load is stored and shared if no change has made it stale, and it always answers the request that started it. */
function land(step: Step, replica: number, point: number): void {
  const { model, from } = step;
  const { rules } = model;
  const current = isCurrent(model, from, replica, point);
  if (current || !rules.checkOnFill) store(step, replica, point, 'land');
  // The load was started before the change.
  const isSlow = ageOf(from, point) > model.staleness && rules.slowLoadsRefused;
  if (isSlow) return;
  if (isTooOld(model, from, point)) answer(step, 'landOwn', replica, point, 'I1');
  if (!current && rules.checkOnShare) return;
  const broken = breaks(model, from, replica, point);
  if (broken) answer(step, 'landShared', replica, point, broken);
  if (!rules.tokenLoads && point < newest(model, from)) answer(step, 'landForToken', replica, point, 'I2');
}

function store(step: Step, replica: number, point: number, move: 'land' | 'copy'): void {
  const { model, from } = step;
  const overtaken = move === 'land' ? breaksWhenStored(model, from, replica, point) : undefined;
  if (!model.hasMemory) {
    if (overtaken) answer(step, move, replica, point, overtaken);
    return;
  }
  const to = step.copy();
  const broken = overtaken ?? storeInMemory(model, to, replica, point);
  step.take(to, move, { replica, point, broken });
}

/** A move that only reports a violation. */
function answer(
  step: Step,
  move: 'land' | 'copy' | 'landOwn' | 'landShared' | 'landForToken',
  replica: number,
  point: number,
  broken: Property,
): void {
  step.take(step.copy(), move, { replica, point, broken });
}

function storeInMemory(model: Model, to: State, replica: number, point: number): Property | undefined {
  const held = to[replica + at.memory] as number;
  const isNewerHeld = held > point && epochOf(model, held) === epochOf(model, point);
  if (isNewerHeld && model.rules.newerEntryKept) return undefined;
  to[replica + at.memory] = point;
  return isNewerHeld ? 'I5' : undefined;
}
