/** The result of a run: whether each answer was right, and whether each error was expected. */
import type { Failure, Notebook } from './chaos-clients.js';
import { type Fault, isExcused } from './chaos-faults.js';
import { type Acknowledged, type Answered, type LogRow, Truth, type Violation } from './chaos-truth.js';

export interface Verdict {
  answers: number;
  answersByValue: Record<string, number>;
  /** The number of answers from the client package in a service. */
  answersOfServices: number;
  mutations: number;
  slowestMutationMs: number;
  faults: Record<string, number>;
  /** Failures that the faults at that time explain, and unexplained ones. */
  excused: Record<string, number>;
  unexcused: (Failure & { meanwhile: string[] })[];
  violations: (Violation & { history: unknown })[];
}

export function judge(
  { answers, acknowledged, failures, mutations }: Notebook,
  faults: readonly Fault[],
  log: readonly LogRow[],
  stalenessMs: number,
): Verdict {
  const truth = new Truth(log, acknowledged);
  const byGateways = createAcknowledgements(acknowledged);
  const byServices = createAcknowledgements(acknowledged.filter(({ isEverywhere }) => isEverywhere));
  const seenBefore = createSightings(truth, answers, stalenessMs);
  const violations = [];
  for (const answered of answers) {
    const { startedAt, service } = answered;
    const known = (service ? byServices : byGateways)(startedAt);
    const violation = truth.check(answered, {
      ...{ stalenessMs, acknowledged: known },
      ...(service && { seen: seenBefore(answered) }),
    });
    if (violation) violations.push({ ...violation, history: truth.historyOf(answered.subject) });
  }
  return {
    answers: answers.length,
    answersByValue: count(answers.map(({ value }) => value.split(':')[0] as string)),
    answersOfServices: answers.filter(({ service }) => service).length,
    mutations: mutations.length,
    slowestMutationMs: mutations.reduce((slowest, { tookMs }) => Math.max(slowest, tookMs), 0),
    faults: count(faults.map(({ name }) => name)),
    excused: count(failures.filter((failure) => isExcused(failure, faults)).map(({ what }) => what)),
    unexcused: failures
      .filter((failure) => !isExcused(failure, faults))
      .map((failure) => ({ ...failure, meanwhile: describe(faults, failure) })),
    violations,
  };
}

const shortlyMs = 5_000;

/**
 * The faults during a failure and shortly before it, for its analysis. Times count from the beginning of the failure.
 */
function describe(faults: readonly Fault[], { startedAt, endedAt }: Failure): string[] {
  return faults
    .filter(({ from, to, backAt = to }) => from <= endedAt && backAt >= startedAt - shortlyMs)
    .map(
      ({ name, from, to, backAt = to, gateway, blocks = [gateway] }) =>
        `${name} (${blocks.join()}): ${from - startedAt} to ${backAt - startedAt} ms`,
    );
}

/** Returns the newest revision acknowledged before a moment. It covers all earlier revisions of any tenant. */
function createAcknowledgements(all: readonly Acknowledged[]): (before: number) => number {
  const newest: Acknowledged[] = [];
  for (const one of all.toSorted((a, b) => a.at - b.at))
    newest.push({ ...one, revision: Math.max(one.revision, newest.at(-1)?.revision ?? 0) });
  return (before) => {
    let [low, high] = [0, newest.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((newest[middle] as Acknowledged).at < before) low = middle + 1;
      else high = middle;
    }
    return newest[low - 1]?.revision ?? 0;
  };
}

/** Returns the newest revision of a reference that a service's client had already returned before a request. */
function createSightings(
  truth: Truth,
  answers: readonly Answered[],
  stalenessMs: number,
): (answered: Answered) => number {
  const byPlace = new Map<string, Answered[]>();
  for (const answered of answers) {
    if (!answered.service) continue;
    const place = `${answered.service.name} ${answered.service.reference}`;
    const told = byPlace.get(place);
    if (told) told.push(answered);
    else byPlace.set(place, [answered]);
  }
  const seen = new Map<Answered, number>();
  for (const told of byPlace.values()) {
    const ended = told.toSorted((one, other) => one.endedAt - other.endedAt);
    let at = 0;
    let known = 0;
    for (const answered of told.toSorted((one, other) => one.startedAt - other.startedAt)) {
      for (let before = ended[at]; before && before.endedAt < answered.startedAt; before = ended[++at])
        known = Math.max(known, truth.knownBy(before, stalenessMs));
      seen.set(answered, known);
    }
  }
  return (answered) => seen.get(answered) ?? 0;
}

function count(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
