import type { Model, State } from '../state.js';
import * as fields from '../state.js';
import { epochOf, lastTouch, newest, revisionOf } from '../truth.js';
import type { Step } from './step.js';

// A local copy: a lookup in another module each time takes three times as long.
const at = { ...fields };

/** The moves of a gateway that follows the change log: its row, its polls, and their answers. */
export function moveFollower(step: Step, replica: number): void {
  const { from } = step;
  const poll = from[replica + at.poll] as number;
  if (from[replica + at.isRegistered] === 0) register(step, replica);
  else if (poll === at.phase.none) sendPoll(step, replica);
  else losePoll(step, replica);
  if (poll === at.phase.none) return;
  if (poll === at.phase.reported) step.take(...answer(step, replica, step.copy()));
  else if (from[replica + at.row] === 0) foundNoRow(step, replica);
  else report(step, replica);
}

function sendPoll(step: Step, replica: number): void {
  const { model, from } = step;
  const to = step.copy();
  const point = newest(model, from);
  to[replica + at.poll] = at.phase.read;
  to[replica + at.pollPoint] = point;
  step.take(to, 'poll', { replica, point });
}

function losePoll(step: Step, replica: number): void {
  const to = step.copy();
  endPoll(to, replica);
  step.take(to, 'losePoll', { replica });
}

function register(step: Step, replica: number): void {
  const { model } = step;
  const to = step.copy();
  to[replica + at.isRegistered] = 1;
  if (to[replica + at.row] === 0) to[replica + at.row] = 1;
  if (model.rules.registersWithEpoch && to[replica + at.knownEpoch] === 0)
    to[replica + at.knownEpoch] = (to[at.epoch] as number) + 1;
  step.take(to, 'register', { replica });
}

function report(step: Step, replica: number): void {
  const { model, from } = step;
  const to = step.copy();
  const applied = model.rules.reportApplied ? at.position : at.pollPoint;
  const isSettled = from[replica + at.settling] === 0;
  to[replica + at.poll] = at.phase.reported;
  to[replica + at.row] = 1 + (isSettled ? (from[replica + applied] as number) : 0);
  if (from[at.waiting] !== 0) to[replica + at.hasReported] = 1;
  to[replica + at.reportAge] = 0;
  if (model.answersLate) step.take(to, 'report', { replica });
  else step.take(...answer(step, replica, to));
}

/** A missing row stays missing until the answer arrives: only the gateway itself inserts it. */
function foundNoRow(step: Step, replica: number): void {
  const { model } = step;
  const to = step.copy();
  to[replica + at.isRegistered] = 0;
  if (!model.rules.leaseNeedsRow) {
    const [, move, about] = answer(step, replica, to);
    step.take(to, move === 'advance' ? 'advanceWithoutRow' : move, about);
  } else {
    to[replica + at.lease] = 0;
    endPoll(to, replica);
    step.take(to, 'noRow', { replica });
  }
}

function answer(step: Step, replica: number, to: State): Parameters<Step['take']> {
  const { model, from } = step;
  const point = from[replica + at.pollPoint] as number;
  const position = from[replica + at.position] as number;
  const leaseLeft =
    model.staleness - (model.rules.leaseFromSending ? (from[replica + at.pollAge] as number) : 0);
  endPoll(to, replica);
  if (position !== 0 && !continues(model, position, point)) {
    to[replica + at.position] = 0;
    to[replica + at.floor] = 0;
    to[replica + at.lease] = 0;
    if (model.rules.memoryCleared) to[replica + at.memory] = 0;
    return [to, 'resync', { replica }];
  }
  if (position === 0) begin(model, to, replica, point);
  else if (model.rules.floorsRaised) {
    const since = Math.max(revisionOf(model, position), sinceOf(model, point));
    const touched = lastTouch(model, to, epochOf(model, point), since, revisionOf(model, point));
    to[replica + at.floor] = Math.max(to[replica + at.floor] as number, touched);
  }
  to[replica + at.position] = point;
  to[replica + at.knownEpoch] = epochOf(model, point) + 1;
  to[replica + at.lease] = leaseLeft;
  return [to, position === 0 ? 'begin' : 'advance', { replica, point }];
}

/** The page's changes as floors, and a base for everything that is older. */
function begin(model: Model, to: State, replica: number, point: number): void {
  const epoch = epochOf(model, point);
  const known = to[replica + at.knownEpoch] as number;
  if (model.rules.settles && known !== 0 && known !== epoch + 1) to[replica + at.settling] = model.staleness;
  const since = sinceOf(model, point);
  const touched = lastTouch(model, to, epoch, since, revisionOf(model, point));
  to[replica + at.floor] = Math.max(model.rules.base ? since : 0, touched);
}

/** A page holds the changes after this revision. */
function sinceOf(model: Model, point: number): number {
  return Math.max(0, revisionOf(model, point) - model.page);
}

function continues(model: Model, position: number, point: number): boolean {
  const { epochResync, gapResync } = model.rules;
  if (epochOf(model, position) !== epochOf(model, point)) return !epochResync;
  return !gapResync || revisionOf(model, position) >= sinceOf(model, point);
}

export function endPoll(state: State, replica: number): void {
  state[replica + at.poll] = at.phase.none;
  state[replica + at.pollPoint] = 0;
  state[replica + at.pollAge] = 0;
}
