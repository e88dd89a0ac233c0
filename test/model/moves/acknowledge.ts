import type { State, World } from '../state.js';
import * as fields from '../state.js';
import { epochOf, revisionOf } from '../truth.js';
import type { Step } from './step.js';

// A copy: looking into another module each time takes three times as long.
const at = { ...fields };

/** The mutation that waits; there is one at a time. */
export function moveAcknowledgement(step: Step): void {
  const { world, from } = step;
  const point = from[at.waiting] as number;
  if (point === 0) return;
  const isSameEpoch = epochOf(world, point) === from[at.epoch];
  if ((isSameEpoch || !world.rules.ackInEpoch) && findLaggards(world, from, point).length === 0)
    step.take(acknowledge(step, point), 'ackReported', { point });
  if (from[at.waitingLeft] !== 0) return;
  step.take(acknowledge(step, point), 'ackAfterD', { point });
  if (world.rules.removeInEpoch && !isSameEpoch) return;
  const silent = findSilent(world, from, point);
  if (silent.length === 0) return;
  const to = acknowledge(step, point);
  for (const place of silent) to[place] = 0;
  step.take(to, 'ackAndRemove', { point });
}

function acknowledge(step: Step, point: number): State {
  const to = step.copy();
  to[at.waiting] = 0;
  to[at.waitingLeft] = 0;
  for (const replica of at.replicas) to[replica + at.hasReported] = 0;
  to[at.acked] = Math.max(to[at.acked] as number, point);
  return to;
}

/** Where the rows stand of those who have not reported the point. */
function findLaggards(world: World, state: State, point: number): number[] {
  const lagging: number[] = [];
  for (const replica of at.replicas) {
    const looksDead =
      !world.rules.ackIgnoresAge && (state[replica + at.reportAge] as number) >= world.staleness;
    if (lags(world, state[replica + at.row] as number, point) && !looksDead) lagging.push(replica + at.row);
  }
  if (lags(world, state[at.orphan] as number, point) && world.rules.ackIgnoresAge) lagging.push(at.orphan);
  return lagging;
}

function findSilent(world: World, state: State, point: number): number[] {
  const { removeSilentOnly } = world.rules;
  return findLaggards(world, state, point).filter(
    (place) => place === at.orphan || !removeSilentOnly || state[place - at.row + at.hasReported] === 0,
  );
}

function lags(world: World, row: number, point: number): boolean {
  if (row === 0) return false;
  const reported = row - 1;
  if (reported === 0 || epochOf(world, reported) !== epochOf(world, point)) return true;
  return revisionOf(world, reported) < revisionOf(world, point);
}
