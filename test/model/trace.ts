import { moveAll } from './moves/move-all.js';
import type { Step } from './moves/step.js';
import { type Move, words } from './moves/words.js';
import { type Answer, findBroken, type Property, properties } from './properties.js';
import type { Model, State } from './state.js';
import * as at from './state.js';
import type { States } from './states.js';
import { beginHistory, epochOf, isActive, revisionOf } from './truth.js';

/**
 * Describes the moves that led to a violation. The states do not distinguish the two gateways, so the path is searched
 * once more.
 */
export function findTrace(
  model: Model,
  states: States,
  { parent, broken }: { parent: number; broken: Property },
): string[] {
  const path: number[] = [];
  for (let index = parent; index !== 0; index = states.parentOf(index)) path.unshift(index);
  const sentences: string[] = [];
  let state = at.createState(model);
  beginHistory(state);
  for (const index of path) {
    const taken = findMove(model, state, (to) => states.find(to) === index);
    sentences.push(taken.sentence);
    state = taken.to;
  }
  const last = findMove(
    model,
    state,
    (to, breaks) => breaks === broken || (!breaks && findBroken(model, to)?.property === broken),
  );
  sentences.push(last.sentence);
  const answer = findBroken(model, last.to);
  if (!last.broken && answer) sentences.push(tellAnswer(model, last.to, answer));
  return [...sentences, `${broken} is broken: ${properties[broken]}`];
}

interface Taken {
  to: State;
  sentence: string;
  broken: Property | undefined;
}

function findMove(
  model: Model,
  from: State,
  isIt: (to: State, broken: Property | undefined) => boolean,
): Taken {
  let taken: Taken | undefined;
  const step: Step = {
    model,
    from,
    copy: () => from.slice(),
    take(to, move, about) {
      if (taken || !isIt(to, about?.broken)) return;
      taken = { to: to.slice(), sentence: tell(model, to, move, about), broken: about?.broken };
    },
  };
  moveAll(step);
  if (!taken) throw new Error('the trace cannot be reconstructed');
  return taken;
}

function tell(
  model: Model,
  state: State,
  move: Move,
  { replica, point }: { replica?: number; point?: number } = {},
): string {
  return words[move]
    .replaceAll('{gateway}', replica === undefined ? '' : nameOf(replica))
    .replaceAll('{point}', point === undefined ? '' : describe(model, state, point));
}

function tellAnswer(model: Model, state: State, { replica, point, token }: Answer): string {
  const client = token === undefined ? '' : ` to a client with the token ${describe(model, state, token)}`;
  return `${nameOf(replica)} may now answer ${describe(model, state, point)} from a tier${client}`;
}

function nameOf(replica: number): string {
  return replica === at.replicas[0] ? 'A' : 'B';
}

function describe(model: Model, state: State, point: number): string {
  const status = isActive(model, state, point) ? 'active' : 'suspended';
  return `${epochOf(model, point)}:${revisionOf(model, point)} (${status})`;
}
