import * as fields from '../state.js';
import { beginEpoch, commit, newest, pointOf } from '../truth.js';
import { endPoll } from './follow.js';
import type { Step } from './step.js';
import type { Move } from './words.js';

// A local copy: a lookup in another module each time takes three times as long.
const at = { ...fields };

/** The moves of the primary: it commits, and a standby or a restored dump replaces it. */
export function moveRegistry(step: Step): void {
  const { model, from } = step;
  if ((from[at.head] as number) < model.commits) {
    change(step, 'commitByHand');
    change(step, 'commitElsewhere');
    if (!model.rules.ackWaits) change(step, 'ackAtCommit');
    else if (from[at.waiting] === 0) change(step, 'commitAndWait');
  }
  if ((from[at.epoch] as number) + 1 < model.epochs)
    for (let kept = from[at.head] as number; kept >= 0; kept--) failOver(step, kept);
}

function change(step: Step, move: Move): void {
  const { model } = step;
  const to = step.copy();
  commit(model, to, move !== 'commitElsewhere');
  const point = newest(model, to);
  if (move === 'ackAtCommit') to[at.acked] = point;
  if (move === 'commitAndWait') {
    to[at.waiting] = point;
    to[at.waitingLeft] = model.staleness - (model.rules.ackWaitsForD ? 0 : 1);
    for (const replica of at.replicas) to[replica + at.hasReported] = 0;
  }
  step.take(to, move, { point });
}

/**
 * The last commits are lost. One row can be lost with them: that of a gateway that had just started. If it was the only
 * row, no gateway knows the earlier history; the protocol does not cover that case. A lost report only makes mutations
 * wait longer, but its gateway looks silent.
 */
function failOver(step: Step, kept: number): void {
  const { model, from } = step;
  const rowsAt = [...at.replicas.map((replica) => replica + at.row), at.orphan];
  const rows = rowsAt.filter((place) => from[place] !== 0);
  const canLoseRow = rows.length > 1 || !model.rules.rowSurvives;
  for (const lost of [undefined, ...(canLoseRow ? rows : [])]) {
    const to = step.copy();
    beginEpoch(model, to, kept);
    if (lost !== undefined) to[lost] = 0;
    for (const replica of at.replicas) {
      to[replica + at.hasReported] = 0;
      if (to[replica + at.poll] === at.phase.read) endPoll(to, replica);
    }
    const point = pointOf(model, to[at.epoch] as number, kept);
    if (lost === undefined) step.take(to, 'failOver', { point });
    else if (lost === at.orphan) step.take(to, 'failOverWithoutOrphan', { point });
    else step.take(to, 'failOverWithoutRow', { point, replica: lost - at.row });
  }
}
