import type { State } from '../state.js';
import * as fields from '../state.js';
import type { Step } from './step.js';

// A local copy: a lookup in another module each time takes three times as long.
const at = { ...fields };

/**
 * The moves in which a gateway crashes or stops and another one replaces it. There is at most one row of former
 * gateways.
 */
export function moveLife(step: Step, replica: number): void {
  const { from, model } = step;
  const canLeaveRow = from[replica + at.row] === 0 || from[at.orphan] === 0;
  if (canLeaveRow) step.take(replaceGateway(step, replica, true), 'crash', { replica });
  // A stopping gateway waits for its running poll.
  if (from[replica + at.poll] !== at.phase.none || from[replica + at.isRegistered] === 0) return;
  const isSettled =
    from[replica + at.settling] === 0 && from[replica + at.knownEpoch] === (from[at.epoch] as number) + 1;
  if (isSettled || !model.rules.staysWhenUnsettled)
    step.take(replaceGateway(step, replica, false), 'stop', { replica });
}

function replaceGateway(step: Step, replica: number, leavesRow: boolean): State {
  const to = step.copy();
  if (leavesRow && to[replica + at.row] !== 0) to[at.orphan] = to[replica + at.row] as number;
  to.fill(0, replica, replica + at.replicaFields);
  return to;
}
