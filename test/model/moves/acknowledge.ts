import type { Model, State } from '../state.js';
import * as fields from '../state.js';
import { epochOf, revisionOf } from '../truth.js';
import type { Step } from './step.js';

// A local copy: a lookup in another module each time takes three times as long.
const at = { ...fields };

/** The moves of the waiting mutation; there is one at a time. */
export function moveAcknowledgement(step: Step): void {
  const { model, from } = step;
  const point = from[at.waiting] as number;
  if (point === 0) return;
  const isSameEpoch = epochOf(model, point) === from[at.epoch];
  if ((isSameEpoch || !model.rules.ackInEpoch) && findLaggards(model, from, point).length === 0)
    step.take(acknowledge(step, point), 'ackReported', { point });
  if (from[at.waitingLeft] !== 0) return;
  step.take(acknowledge(step, point), 'ackAfterD', { point });
  if (model.rules.removeInEpoch && !isSameEpoch) return;
  const silent = findSilent(model, from, point);
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

/** Returns the rows of the replicas that have not reported the point. */
function findLaggards(model: Model, state: State, point: number): number[] {
  const lagging: number[] = [];
  for (const replica of at.replicas) {
    const looksDead =
      !model.rules.ackIgnoresAge && (state[replica + at.reportAge] as number) >= model.staleness;
    if (lags(model, state[replica + at.row] as number, point) && !looksDead) lagging.push(replica + at.row);
  }
  if (lags(model, state[at.orphan] as number, point) && model.rules.ackIgnoresAge) lagging.push(at.orphan);
  return lagging;
}

function findSilent(model: Model, state: State, point: number): number[] {
  const { removeSilentOnly } = model.rules;
  return findLaggards(model, state, point).filter(
    (place) => place === at.orphan || !removeSilentOnly || state[place - at.row + at.hasReported] === 0,
  );
}

function lags(model: Model, row: number, point: number): boolean {
  if (row === 0) return false;
  const reported = row - 1;
  if (reported === 0 || epochOf(model, reported) !== epochOf(model, point)) return true;
  return revisionOf(model, reported) < revisionOf(model, point);
}
