import { breaks, breaksWhenStored, isCurrent, isTooOld, isUsable, type Property } from '../properties.js';
import type { State, World } from '../state.js';
import * as fields from '../state.js';
import { ageOf, epochOf, newest, wasNewest } from '../truth.js';
import type { Step } from './step.js';

// A copy: looking into another module each time takes three times as long.
const at = { ...fields };

/**
 * Loads that land: of every point that was the newest once, as late as can be. What is answered from a tier changes
 * nothing, and is looked at in every state; see findBroken.
 */
export function moveReads(step: Step, replica: number): void {
  const { world, from } = step;
  const last = newest(world, from);
  for (let point = 1; point <= last; point++) {
    if (!wasNewest(from, point)) continue;
    if (world.hasMemory && isUsable(world, from, replica, point)) store(step, replica, point, 'copy');
    land(step, replica, point);
  }
}

/** Stored and shared if nothing has overtaken it, and answered to who asked for it in any case. */
function land(step: Step, replica: number, point: number): void {
  const { world, from } = step;
  const { rules } = world;
  const current = isCurrent(world, from, replica, point);
  if (current || !rules.checkOnFill) store(step, replica, point, 'land');
  // It was sent before it was overtaken.
  const isSlow = ageOf(from, point) > world.staleness && rules.slowLoadsRefused;
  if (isSlow) return;
  if (isTooOld(world, from, point)) answer(step, 'landOwn', replica, point, 'I1');
  if (!current && rules.checkOnShare) return;
  const broken = breaks(world, from, replica, point);
  if (broken) answer(step, 'landShared', replica, point, broken);
  if (!rules.tokenLoads && point < newest(world, from)) answer(step, 'landForToken', replica, point, 'I2');
}

function store(step: Step, replica: number, point: number, move: 'land' | 'copy'): void {
  const { world, from } = step;
  const overtaken = move === 'land' ? breaksWhenStored(world, from, replica, point) : undefined;
  if (!world.hasMemory) {
    if (overtaken) answer(step, move, replica, point, overtaken);
    return;
  }
  const to = step.copy();
  const broken = overtaken ?? storeInMemory(world, to, replica, point);
  step.take(to, move, { replica, point, broken });
}

/** A move that only shows what is wrong. */
function answer(
  step: Step,
  move: 'land' | 'copy' | 'landOwn' | 'landShared' | 'landForToken',
  replica: number,
  point: number,
  broken: Property,
): void {
  step.take(step.copy(), move, { replica, point, broken });
}

function storeInMemory(world: World, to: State, replica: number, point: number): Property | undefined {
  const held = to[replica + at.memory] as number;
  const isNewerHeld = held > point && epochOf(world, held) === epochOf(world, point);
  if (isNewerHeld && world.rules.newerEntryKept) return undefined;
  to[replica + at.memory] = point;
  return isNewerHeld ? 'I5' : undefined;
}
