import { moveAll } from './moves/move-all.js';
import type { Step } from './moves/step.js';
import { type Move, words } from './moves/words.js';
import { type Answer, findBroken, type Property, properties } from './properties.js';
import type { State, World } from './state.js';
import * as at from './state.js';
import type { States } from './states.js';
import { beginHistory, epochOf, isActive, revisionOf } from './truth.js';

/** What led to a violation, in words. The states don't tell the two gateways apart, so it is gone through once more. */
export function findTrace(
  world: World,
  states: States,
  { parent, broken }: { parent: number; broken: Property },
): string[] {
  const path: number[] = [];
  for (let index = parent; index !== 0; index = states.parentOf(index)) path.unshift(index);
  const sentences: string[] = [];
  let state = at.createState(world);
  beginHistory(state);
  for (const index of path) {
    const taken = findMove(world, state, (to) => states.find(to) === index);
    sentences.push(taken.sentence);
    state = taken.to;
  }
  const last = findMove(
    world,
    state,
    (to, breaks) => breaks === broken || (!breaks && findBroken(world, to)?.property === broken),
  );
  sentences.push(last.sentence);
  const answer = findBroken(world, last.to);
  if (!last.broken && answer) sentences.push(tellAnswer(world, last.to, answer));
  return [...sentences, `${broken} is broken: ${properties[broken]}`];
}

interface Taken {
  to: State;
  sentence: string;
  broken: Property | undefined;
}

function findMove(
  world: World,
  from: State,
  isIt: (to: State, broken: Property | undefined) => boolean,
): Taken {
  let taken: Taken | undefined;
  const step: Step = {
    world,
    from,
    copy: () => from.slice(),
    take(to, move, about) {
      if (taken || !isIt(to, about?.broken)) return;
      taken = { to: to.slice(), sentence: tell(world, to, move, about), broken: about?.broken };
    },
  };
  moveAll(step);
  if (!taken) throw new Error('the trace can’t be told');
  return taken;
}

function tell(
  world: World,
  state: State,
  move: Move,
  { replica, point }: { replica?: number; point?: number } = {},
): string {
  return words[move]
    .replaceAll('{gateway}', replica === undefined ? '' : nameOf(replica))
    .replaceAll('{point}', point === undefined ? '' : describe(world, state, point));
}

function tellAnswer(world: World, state: State, { replica, point, token }: Answer): string {
  const client = token === undefined ? '' : ` to a client with the token ${describe(world, state, token)}`;
  return `${nameOf(replica)} may now answer ${describe(world, state, point)} from a tier${client}`;
}

function nameOf(replica: number): string {
  return replica === at.replicas[0] ? 'A' : 'B';
}

function describe(world: World, state: State, point: number): string {
  const status = isActive(world, state, point) ? 'active' : 'suspended';
  return `${epochOf(world, point)}:${revisionOf(world, point)} (${status})`;
}
