import * as fields from '../state.js';
import { growOlder } from '../truth.js';
import type { Step } from './step.js';

// A local copy: a lookup in another module each time takes three times as long.
const at = { ...fields };

/** Running work may take any time: nothing has to happen before the next tick. */
export function moveTime(step: Step): void {
  const { model } = step;
  const to = step.copy();
  growOlder(model, to);
  to[at.waitingLeft] = Math.max(0, (to[at.waitingLeft] as number) - 1);
  for (const replica of at.replicas) {
    for (const left of [at.lease, at.settling])
      to[replica + left] = Math.max(0, (to[replica + left] as number) - 1);
    if (to[replica + at.poll] !== at.phase.none)
      to[replica + at.pollAge] = Math.min(model.staleness, (to[replica + at.pollAge] as number) + 1);
    if (!model.rules.ackIgnoresAge && to[replica + at.row] !== 0)
      to[replica + at.reportAge] = Math.min(model.staleness, (to[replica + at.reportAge] as number) + 1);
  }
  step.take(to, 'tick');
}
