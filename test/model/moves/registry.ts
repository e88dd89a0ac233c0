import * as fields from '../state.js';
import { beginEpoch, commit, newest, pointOf } from '../truth.js';
import { endPoll } from './follow.js';
import type { Step } from './step.js';
import type { Move } from './words.js';

// A copy: looking into another module each time takes three times as long.
const at = { ...fields };

/** The primary: it commits, and a standby or a restored dump takes its place. */
export function moveRegistry(step: Step): void {
  const { world, from } = step;
  if ((from[at.head] as number) < world.commits) {
    change(step, 'commitByHand');
    change(step, 'commitElsewhere');
    if (!world.rules.ackWaits) change(step, 'ackAtCommit');
    else if (from[at.waiting] === 0) change(step, 'commitAndWait');
  }
  if ((from[at.epoch] as number) + 1 < world.epochs)
    for (let kept = from[at.head] as number; kept >= 0; kept--) failOver(step, kept);
}

function change(step: Step, move: Move): void {
  const { world } = step;
  const to = step.copy();
  commit(world, to, move !== 'commitElsewhere');
  const point = newest(world, to);
  if (move === 'ackAtCommit') to[at.acked] = point;
  if (move === 'commitAndWait') {
    to[at.waiting] = point;
    to[at.waitingLeft] = world.staleness - (world.rules.ackWaitsForD ? 0 : 1);
    for (const replica of at.replicas) to[replica + at.hasReported] = 0;
  }
  step.take(to, move, { point });
}

/**
 * The last commits are lost. Of the rows, one can be lost: that of a gateway that had just started. When it was the only one,
 * nobody is left who knows of the history before: the protocol is not made for that. A report that is lost only makes
 * others wait longer, but whoever made it looks as if it had been silent.
 */
function failOver(step: Step, kept: number): void {
  const { world, from } = step;
  const rowsAt = [...at.replicas.map((replica) => replica + at.row), at.orphan];
  const rows = rowsAt.filter((place) => from[place] !== 0);
  const canLoseRow = rows.length > 1 || !world.rules.rowSurvives;
  for (const lost of [undefined, ...(canLoseRow ? rows : [])]) {
    const to = step.copy();
    beginEpoch(world, to, kept);
    if (lost !== undefined) to[lost] = 0;
    for (const replica of at.replicas) {
      to[replica + at.hasReported] = 0;
      if (to[replica + at.poll] === at.phase.read) endPoll(to, replica);
    }
    const point = pointOf(world, to[at.epoch] as number, kept);
    if (lost === undefined) step.take(to, 'failOver', { point });
    else if (lost === at.orphan) step.take(to, 'failOverWithoutOrphan', { point });
    else step.take(to, 'failOverWithoutRow', { point, replica: lost - at.row });
  }
}
