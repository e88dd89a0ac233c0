/**
 * Replays the protocol log of real gateways through the moves of the model. A step has few revisions and moments that matter; they are
 * mapped to the small numbers of the model in their order, and the model's own move says what the gateway may know after it.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StepLine, TraceLine } from '../../src/feed/protocol-trace.js';
import { moveFollower } from './moves/follow.js';
import { moveLife } from './moves/life.js';
import type { Step } from './moves/step.js';
import type { Move } from './moves/words.js';
import { Answers, checkAcknowledged, toleranceMs } from './replay-acknowledged.js';
import { rulesWithout } from './rules.js';
import type { Model, State } from './state.js';
import * as at from './state.js';
import { pointOf } from './truth.js';

interface Replica {
  isRegistered: boolean;
  /** The epoch that it follows or followed last. */
  epoch: string | null;
  position: StepLine['position'];
  base: number;
  leaseUntil: number;
  settlesAt: number;
  pollSentAt: number;
  /** What its row says. */
  reported: StepLine['position'];
  lastAnswerAt: number;
}

export interface Replayed {
  steps: number;
  byStep: Record<string, number>;
  /** Steps that the model does not allow, with the reason. */
  refused: string[];
}

/** The lines that all gateways of a run have logged in a folder. */
export async function readTraces(folder: string): Promise<TraceLine[]> {
  const texts = await Promise.all(
    (await readdir(folder)).map((name) => readFile(join(folder, name), 'utf8')),
  );
  // The last line of a killed process may be cut.
  const lines = texts.flatMap((text) => text.split('\n').slice(0, -1));
  return lines.map((line): TraceLine => JSON.parse(line));
}

export function replay(lines: readonly TraceLine[]): Replayed {
  const sorted = lines.toSorted((one, other) => one.at - other.at);
  const replicas = new Map<string, Replica>();
  const heads = new Heads();
  const replayed: Replayed = { steps: 0, byStep: {}, refused: [] };
  const answers = new Answers(sorted);
  for (const line of sorted) {
    replayed.steps++;
    replayed.byStep[line.step] = (replayed.byStep[line.step] ?? 0) + 1;
    const problem =
      line.step === 'acknowledged'
        ? checkAcknowledged(line, replicas, answers)
        : checkStep(line, replicas, heads);
    if (problem !== undefined) replayed.refused.push(`${problem}: ${JSON.stringify(line)}`);
  }
  return replayed;
}

/** What the primary's head was, by the answers that gave a lease: it only grows, and no replaced epoch comes back. */
class Heads {
  readonly #seen: { at: number; epoch: string; head: number }[] = [];

  /** The newest head that somebody knew at a moment. */
  check(sentAt: number, epoch: string, head: number): string | undefined {
    const before = this.#seen.filter((one) => one.at < sentAt);
    const known = before.at(-1);
    if (!known) return undefined;
    if (known.epoch === epoch)
      return before.some((one) => one.epoch === epoch && one.head > head)
        ? 'a poll reads a head from before one that was known when it was sent'
        : undefined;
    return before.some((one) => one.epoch === epoch)
      ? 'a poll of a replaced history gives a lease after another history has begun'
      : undefined;
  }

  add(at: number, epoch: string, head: number): void {
    this.#seen.push({ at, epoch, head });
    if (this.#seen.length > 200) this.#seen.shift();
  }
}

const blank = (line: TraceLine): Replica => ({
  ...{ isRegistered: false, epoch: null, position: null, base: 0, reported: null, lastAnswerAt: line.at },
  ...{
    leaseUntil: Number.NEGATIVE_INFINITY,
    settlesAt: Number.NEGATIVE_INFINITY,
    pollSentAt: Number.NaN,
  },
});

const moves: Readonly<Record<StepLine['step'], Move>> = {
  ...{ register: 'register', poll: 'report', losePoll: 'losePoll', noRow: 'noRow', stop: 'stop' },
  ...{ begin: 'begin', advance: 'advance', resync: 'resync' },
};

function checkStep(
  line: TraceLine & StepLine,
  replicas: Map<string, Replica>,
  heads: Heads,
): string | undefined {
  const before = replicas.get(line.replica) ?? blank(line);
  const world = new World(before, line);
  const after = world.observed();
  const problem =
    world.judge(moves[line.step]) ?? (after.renewsLease ? checkHead(before, line, heads) : undefined);
  const settlesAt =
    line.step === 'begin' && before.epoch !== null && before.epoch !== line.epoch
      ? line.at + line.stalenessMs
      : before.settlesAt;
  if (line.page && after.renewsLease) heads.add(line.at, line.page.epoch, line.page.head);
  replicas.set(line.replica, {
    isRegistered: line.step !== 'noRow' && line.step !== 'stop',
    epoch: line.epoch,
    position: line.position,
    base: line.base,
    leaseUntil: line.at + line.leaseMs,
    settlesAt,
    pollSentAt: line.step === 'poll' ? line.at : before.pollSentAt,
    reported:
      line.step === 'poll' && line.isSettled ? line.position : line.step === 'poll' ? null : before.reported,
    // A poll that is sent may not arrive, and its row is then as old as the last answer.
    lastAnswerAt: isAnswer(line) ? line.at : before.lastAnswerAt,
  });
  return problem;
}

function isAnswer({ step }: StepLine): boolean {
  return step !== 'poll' && step !== 'losePoll';
}

function checkHead(before: Replica, { page }: StepLine, heads: Heads): string | undefined {
  return page && heads.check(before.pollSentAt, page.epoch, page.head);
}

/** One replica's state before a step and after it, in the numbers of the model. */
class World {
  readonly #before: Replica;
  readonly #line: TraceLine & StepLine;
  readonly #epochs: string[];
  readonly #revisions: number[];
  readonly #model: Model;

  constructor(before: Replica, line: TraceLine & StepLine) {
    this.#before = before;
    this.#line = line;
    const { page } = line;
    const epochs = [before.epoch, before.position?.epoch, page?.epoch, line.epoch];
    this.#epochs = [...new Set(epochs.filter((one): one is string => typeof one === 'string'))];
    const numbers = [0, before.base, before.position?.revision ?? 0, line.position?.revision ?? 0];
    if (page) numbers.push(page.since, page.touched, page.head);
    this.#revisions = [...new Set(numbers)].sort((one, other) => one - other);
    this.#model = {
      ...{ commits: this.#revisions.length - 1, epochs: Math.max(1, this.#epochs.length), staleness: 2 },
      ...{ answersLate: true, hasMemory: false, rules: rulesWithout() },
      page: page ? this.#revision(page.head) - this.#revision(page.since) : 0,
    };
  }

  #revision(revision: number): number {
    return this.#revisions.indexOf(revision);
  }

  #point(position: StepLine['position']): number {
    if (!position) return 0;
    return pointOf(this.#model, this.#epochs.indexOf(position.epoch), this.#revision(position.revision));
  }

  /**
   * Time has two ticks, with the border where the lease of this poll ends at the latest: what is left after its answer is one tick,
   * and more is two.
   */
  #lease(leaseMs: number): number {
    const { at: now, stalenessMs } = this.#line;
    if (leaseMs <= 0) return 0;
    return leaseMs <= stalenessMs - (now - this.#before.pollSentAt) + toleranceMs ? 1 : 2;
  }

  observed() {
    const { step, leaseMs, at: now } = this.#line;
    const isAnswer = step === 'begin' || step === 'advance';
    return { renewsLease: isAnswer && leaseMs > 0 && now + leaseMs > this.#before.leaseUntil + toleranceMs };
  }

  #from(): State {
    const before = this.#before;
    const { step, page, at: now } = this.#line;
    const state = at.createState(this.#model);
    const replica = at.first;
    const current = page?.epoch ?? this.#line.epoch ?? before.epoch;
    state[at.epoch] = Math.max(0, this.#epochs.indexOf(current ?? ''));
    state[at.head] = this.#model.commits;
    if (page?.touched) {
      const touched = at.version(
        pointOf(this.#model, state[at.epoch] as number, this.#revision(page.touched)),
      );
      state[touched] = 1;
    }
    state[replica + at.isRegistered] = before.isRegistered ? 1 : 0;
    state[replica + at.row] = before.isRegistered && step !== 'noRow' ? 1 : 0;
    state[replica + at.position] = this.#point(before.position);
    state[replica + at.floor] = before.position ? this.#revision(before.base) : 0;
    state[replica + at.lease] = before.leaseUntil > now + toleranceMs ? 1 : 0;
    state[replica + at.knownEpoch] = before.epoch === null ? 0 : 1 + this.#epochs.indexOf(before.epoch);
    const settlesIn = before.settlesAt - now;
    const isSettling = Math.abs(settlesIn) > toleranceMs ? settlesIn > 0 : !this.#line.isSettled;
    state[replica + at.settling] = isSettling ? 1 : 0;
    if (page || step === 'losePoll' || step === 'poll') {
      state[replica + at.poll] = page && step !== 'noRow' ? at.phase.reported : at.phase.read;
      state[replica + at.pollAge] = 1;
      state[replica + at.pollPoint] = page ? this.#point({ epoch: page.epoch, revision: page.head }) : 1;
    }
    return state;
  }

  /** Whether the model has this move from the state before, to the state after. */
  judge(move: Move): string | undefined {
    const from = this.#from();
    const found: State[] = [];
    const step: Step = {
      model: this.#model,
      from,
      copy: () => from.slice(),
      take: (to, taken) => void (taken === move && found.push(to.slice())),
    };
    if (move === 'stop') moveLife(step, at.first);
    else moveFollower(step, at.first);
    if (found.length === 0) return `the model has no move “${move}” here`;
    const problems = found.map((to) => this.#compare(to, move));
    return problems.includes(undefined) ? undefined : problems[0];
  }

  #compare(to: State, move: Move): string | undefined {
    const { line, replica } = { line: this.#line, replica: at.first };
    if (move === 'stop') return line.leaseMs > 0 ? 'it has a lease after its end' : undefined;
    if (move === 'report') {
      const row = 1 + (line.isSettled ? this.#point(line.position) : 0);
      if (to[replica + at.row] !== row) return 'it reports another revision than the one that it has applied';
    }
    if (to[replica + at.position] !== this.#point(line.position)) return 'its position is another one';
    if (move === 'begin' || move === 'advance') {
      const floor = this.#revision(line.page?.floor ?? 0);
      // A floor beyond the page's numbers only refuses more.
      if (floor >= 0 && floor < (to[replica + at.floor] as number)) return 'its floor is too low';
      if ((to[replica + at.settling] as number) > 0 && line.isSettled)
        return 'it is settled though another history has begun';
      // Less than the model gives is what it has a tick later.
      if (this.#lease(line.leaseMs) > Math.max(to[replica + at.lease] as number, this.#kept()))
        return 'its lease is too long';
    } else if (line.at + line.leaseMs > this.#before.leaseUntil + toleranceMs && line.leaseMs > 0)
      return 'it has a longer lease without an answer';
    else if ((move === 'resync' || move === 'noRow') && line.leaseMs > 0) return 'it keeps its lease';
    return undefined;
  }

  /** The lease that it had already, where the answer gives none. */
  #kept(): number {
    return this.observed().renewsLease ? 0 : 2;
  }
}
