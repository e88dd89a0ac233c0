import { moveAll } from './moves/move-all.js';
import type { Step } from './moves/step.js';
import { findBroken, type Property } from './properties.js';
import type { Model } from './state.js';
import * as at from './state.js';
import { States } from './states.js';
import { findTrace } from './trace.js';
import { beginHistory } from './truth.js';

export interface Outcome {
  states: number;
  transitions: number;
  /** Number of moves on the shortest way to the farthest state. */
  depth: number;
  /** Whether all states were searched. */
  isComplete: boolean;
  violation: { property: Property; trace: string[] } | undefined;
}

/**
 * Searches breadth first, so that the first violation has the shortest trace. With `property`, it looks for violations
 * of that one only.
 */
export function search(model: Model, options: { property?: Property; maxStates?: number } = {}): Outcome {
  const { property, maxStates = 2 ** 31 } = options;
  const isWanted = (broken: Property | undefined) => broken && (!property || property === broken);
  const states = new States();
  const from = at.createState(model);
  const to = at.createState(model);
  let current = 0;
  let transitions = 0;
  let depth = 0;
  let layerEnd = 1;
  let found: { parent: number; broken: Property } | undefined;

  const step: Step = {
    model,
    from,
    copy() {
      to.set(from);
      return to;
    },
    take(next, _move, about) {
      transitions++;
      if (found) return;
      const isNew = states.add(next, current);
      if (isWanted(about?.broken)) found = { parent: current, broken: about?.broken as Property };
      else if (isNew) {
        const broken = findBroken(model, next)?.property;
        if (isWanted(broken)) found = { parent: current, broken: broken as Property };
      }
    },
  };

  beginHistory(from);
  states.add(from, 0);
  for (; current < states.size && !found && states.size < maxStates; current++) {
    if (current === layerEnd) {
      depth++;
      layerEnd = states.size;
    }
    states.read(current, from);
    moveAll(step);
  }
  return {
    states: states.size,
    transitions,
    depth,
    isComplete: !found && current === states.size,
    violation: found && { property: found.broken, trace: findTrace(model, states, found) },
  };
}
